"""rights = token scopes ∩ live grants ∩ sharing class ∩ item policy, computed per caller and resource, cached by fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from auth.audience import Audience, items_for
from auth.items import NOT_GRANTED, granted_item, open_item, shared_item
from auth.reasons import Reason
from auth.rights import (
    DEFAULT_PAGE_LIMIT,
    Decision,
    GrantTerms,
    ItemDecision,
    OpenClass,
    Operation,
    Purpose,
    ResourcePolicy,
    SharingClass,
)

PUBLIC_APPROVER = "普遍开放 open to the public"
UNCONDITIONAL_APPROVER = "无条件共享 shared unconditionally"


@dataclass(frozen=True)
class Rights:
    """What a caller's decisions follow from. Two callers with equal rights have one fingerprint and share views and plans.

    ``application`` is ``None`` for the public. It is no part of the fingerprint.
    """

    application: str | None
    department: str | None
    scopes: frozenset[str]
    purposes: tuple[Purpose, ...] = ()
    grants: Mapping[str, GrantTerms] = field(default_factory=dict)
    audience: Audience | None = None
    """For whom pseudonyms are made; ``None`` where none can be shown, so that applications which see none share what is made."""

    @property
    def public(self) -> bool:
        """Whether nobody has identified himself."""
        return self.application is None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over all that decisions depend on."""
        content = [
            self.public,
            sorted(self.scopes),
            [[p.code, p.scenario, p.basis] for p in self.purposes],
            [_grant_content(self.grants[code]) for code in sorted(self.grants)],
            *([[self.audience.consumer, self.audience.key_id]] if self.audience else []),
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()

    def narrowed(self, resources: Collection[str]) -> Rights:
        """What decisions on these resources follow from, and nothing else: grants on others may come and go."""
        # A scope that names a resource has a dot in it; roles and unconditional scopes have none.
        scopes = frozenset(scope for scope in self.scopes if "." not in scope or scope.partition(":")[2] in resources)
        return replace(self, scopes=scopes, grants={code: terms for code, terms in self.grants.items() if code in resources})

    def scoped(self, operation: Operation, target: str) -> bool:
        """Whether the token carries ``<operation>:<target>``."""
        return f"{operation.scope_prefix}:{target}" in self.scopes


def _grant_content(grant: GrantTerms) -> list[object]:
    items = [[i.code, i.value.value, i.key, i.declared or (repr(i.mask) if i.mask else None)] for i in grant.items]
    purposes = [[p.code, p.scenario, p.basis] for p in grant.purposes]
    operations = sorted(o.value for o in grant.operations)
    limits = [[limit.calls, limit.rows, limit.per] if limit else None for limit in (grant.quota, grant.rate)]
    flags = [grant.per_claim, grant.discloses_existence, grant.page_limit, *limits, sorted(grant.documents)]
    return [grant.grant, grant.resource, operations, items, grant.rows, purposes, flags, grant.approver]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision and what led to it. ``reason`` says why the resource is there for the caller, or why not; ``operations`` has all three."""

    reason: Reason
    operations: Mapping[Operation, Reason]
    decision: Decision | None = None


GIVING = frozenset({Reason.OPEN, Reason.UNCONDITIONAL, Reason.GRANTED})
"""Reasons for which an operation is allowed."""


def decide(policy: ResourcePolicy, rights: Rights) -> Decision | None:
    """What the caller may do with the resource; ``None`` when it does not exist for it (CLS-01, CLS-07)."""
    return explain(policy, rights).decision


def explain(policy: ResourcePolicy, rights: Rights) -> Explanation:
    """The decision, and why: the one place where both are made."""
    found = _explain(policy, rights)
    if found.decision is None:
        return found
    items = items_for(found.decision.items, rights.audience, policy.items)
    return found if items is found.decision.items else replace(found, decision=replace(found.decision, items=items))


def _explain(policy: ResourcePolicy, rights: Rights) -> Explanation:
    if policy.withdrawn:
        return _refused(Reason.WITHDRAWN)
    if policy.sharing_class is SharingClass.NOT_SHARED:
        return _refused(Reason.NOT_SHARED)
    if rights.public:
        return _explain_public(policy)
    if policy.sharing_class is SharingClass.UNCONDITIONAL:
        return _explain_unconditional(policy, rights)
    return _explain_conditional(policy, rights)


def _refused(reason: Reason) -> Explanation:
    return Explanation(reason, dict.fromkeys(Operation, reason))


def _without_operation(operations: Mapping[Operation, Reason]) -> Explanation:
    found = Reason.NO_SCOPE if Reason.NO_SCOPE in operations.values() else Reason.NO_OPERATION
    return Explanation(found, operations)


def _given(operations: Mapping[Operation, Reason]) -> frozenset[Operation]:
    return frozenset(operation for operation, reason in operations.items() if reason in GIVING)


def _explain_public(policy: ResourcePolicy) -> Explanation:
    if policy.open_class is not OpenClass.OPEN:
        return _refused(Reason.NOT_OPEN)
    if not policy.public:
        return _refused(Reason.LEVEL_NOT_PUBLIC)
    operations = {o: _opened(policy, o) for o in Operation}
    given = _given(operations)
    if not given:
        return _without_operation(operations)
    items = {code: open_item(item) for code, item in policy.items.items()}
    decision = Decision(policy.code, given, items, None, (), DEFAULT_PAGE_LIMIT, False, True, None, PUBLIC_APPROVER, (Reason.OPEN,))
    return Explanation(Reason.OPEN, operations, decision)


def _opened(policy: ResourcePolicy, operation: Operation) -> Reason:
    if operation is not Operation.QUERY:
        return Reason.OPERATION_NOT_OPEN
    return Reason.OPEN if operation in policy.operations else Reason.OPERATION_NOT_OFFERED


def _explain_unconditional(policy: ResourcePolicy, rights: Rights) -> Explanation:
    operations = {o: _scoped(policy, rights, o, "unconditional", Reason.UNCONDITIONAL) for o in Operation}
    given = _given(operations)
    if not given:
        return _without_operation(operations)
    items = {code: shared_item(item) for code, item in policy.items.items()}
    grant = rights.grants.get(policy.code)
    if grant is None:
        approver, reasons = UNCONDITIONAL_APPROVER, (Reason.UNCONDITIONAL,)
        decision = Decision(policy.code, given, items, None, rights.purposes, DEFAULT_PAGE_LIMIT, True, True, None, approver, reasons)
        return Explanation(Reason.UNCONDITIONAL, operations, decision)
    # What the grant adds becomes part of every operation that all departments have; a grant for some of them only adds nothing.
    adds = grant.rows is None and grant.operations >= given
    if adds:
        items |= {i.code: granted_item(policy.items[i.code], i, policy.masks) for i in grant.items if i.code in policy.items}
    purposes = tuple({p.code: p for p in (*rights.purposes, *grant.purposes)}.values())
    reason = Reason.GRANT_ADDS if adds else Reason.GRANT_TOO_NARROW
    return Explanation(reason, operations, _under(policy, grant, given, items, (Reason.UNCONDITIONAL, reason), None, purposes, True, True))


def _scoped(policy: ResourcePolicy, rights: Rights, operation: Operation, target: str, reason: Reason) -> Reason:
    if operation not in policy.operations:
        return Reason.OPERATION_NOT_OFFERED
    return reason if rights.scoped(operation, target) else Reason.NO_SCOPE


def _explain_conditional(policy: ResourcePolicy, rights: Rights) -> Explanation:
    grant = rights.grants.get(policy.code)
    if grant is None:
        return _refused(Reason.NO_GRANT)
    scoped = {o: _scoped(policy, rights, o, policy.code, Reason.GRANTED) for o in Operation}
    operations = {o: r if o in grant.operations or r is Reason.OPERATION_NOT_OFFERED else Reason.OPERATION_NOT_GRANTED for o, r in scoped.items()}
    given = _given(operations)
    if not given:
        return _without_operation(operations)
    items = dict.fromkeys(policy.items, NOT_GRANTED)
    items |= {i.code: granted_item(policy.items[i.code], i, policy.masks) for i in grant.items if i.code in policy.items}
    flags = grant.rows, grant.purposes, grant.per_claim, grant.discloses_existence
    return Explanation(Reason.GRANTED, operations, _under(policy, grant, given, items, (Reason.GRANTED,), *flags))


def _under(
    policy: ResourcePolicy,
    grant: GrantTerms,
    operations: frozenset[Operation],
    items: Mapping[str, ItemDecision],
    reasons: tuple[Reason, ...],
    rows: str | None,
    purposes: tuple[Purpose, ...],
    per_claim: bool,
    discloses_existence: bool,
) -> Decision:
    """A decision in which a grant has its part."""
    return Decision(
        policy.code,
        operations,
        items,
        rows,
        purposes,
        grant.page_limit,
        per_claim,
        discloses_existence,
        grant.grant,
        grant.approver,
        reasons,
        grant.quota,
        grant.documents,
        grant.rate,
    )
