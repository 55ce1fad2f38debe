"""Who sees an item through a masking rule: grants, every department, the public; decided as their calls are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from auth.decide import Rights, decide
from auth.rights import Decision, GrantItem, ItemPolicy, Operation, Shown
from hub.sharing.registry import PUBLIC, Application
from masking.rules import Mask
from schema.model import Resource, Snapshot

_ALL = frozenset(f"{operation.scope_prefix}:unconditional" for operation in Operation)
EVERYBODY = Rights("", None, _ALL)


@dataclass(frozen=True, slots=True)
class Touched:
    """One item that somebody sees through the rule. ``grant`` is ``None`` for the public and for every department."""

    viewer: str
    """``PUBLIC``, ``EVERY_DEPARTMENT`` or ``APPLICATION``."""
    resource: str
    item: str
    application: str | None = None
    department: str | None = None
    grant: str | None = None
    by: str = "catalog"
    """``catalog``, or ``grant`` where the grant names the rule itself."""


def same_rule(mask: Mask | None, rule: Mask) -> bool:
    """Whether a decision's mask is the rule: one bound to a consumer still is."""
    if mask is None or (mask.algorithm, mask.name, mask.fixed, mask.share) != (rule.algorithm, rule.name, rule.fixed, rule.share):
        return False
    return mask.parameters[: len(rule.parameters)] == rule.parameters if mask.algorithm == "PSEUDONYM" else mask.parameters == rule.parameters


def touched(snapshot: Snapshot, applications: Iterable[Application], rule: Mask, department: str | None = None) -> Iterator[tuple[Touched, Decision]]:
    """Everybody who sees something through the rule, with the decision; only resources of ``department`` where it is named."""
    chosen = {code: resource for code, resource in snapshot.resources.items() if department in (None, resource.department)}
    for resource in chosen.values():
        if any(same_rule(mask, rule) for item in resource.policy.items.values() for mask in (item.share_mask, item.open_mask)):
            for viewer, rights in (("PUBLIC", PUBLIC), ("EVERY_DEPARTMENT", EVERYBODY)):
                yield from _seen(resource, decide(resource.policy, rights), rule, Touched(viewer, resource.code, ""))
    for app in applications:
        for grant in app.grants if app.active else ():
            known = chosen.get(grant.terms.resource)
            if known is None or not any(_names(known, item, known.policy.items.get(item.code), rule) for item in grant.terms.items):
                continue
            rights = Rights(app.client_id, app.department, app.scopes(), app.purposes, {known.code: grant.terms})
            about = Touched("APPLICATION", known.code, "", app.name, app.department, grant.terms.grant)
            named = frozenset(item.code for item in grant.terms.items if item.mask is not None or item.declared is not None)
            yield from _seen(known, decide(known.policy, rights), rule, about, named)


def _names(resource: Resource, item: GrantItem, policy: ItemPolicy | None, rule: Mask) -> bool:
    """Whether the rule may be what the grant shows the item through: cheaper than a decision."""
    if item.value is not Shown.MASKED or policy is None:
        return False
    named = resource.masks.get(item.declared) if item.declared is not None else item.mask
    return same_rule(named or policy.share_mask, rule)


def _seen(resource: Resource, decision: Decision | None, rule: Mask, about: Touched, named: frozenset[str] = frozenset()) -> Iterator[tuple[Touched, Decision]]:
    if decision is None:
        return
    for code, item in decision.items.items():
        if item.shown is Shown.MASKED and same_rule(item.mask, rule):
            by = "grant" if code in named else "catalog"
            yield Touched(about.viewer, resource.code, code, about.application, about.department, about.grant, by), decision
