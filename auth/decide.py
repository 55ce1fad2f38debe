"""rights = token scopes ∩ live grants ∩ sharing class ∩ item policy, computed per caller and resource, cached by fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from auth.rights import (
    DEFAULT_PAGE_LIMIT,
    Decision,
    GrantItem,
    GrantTerms,
    ItemDecision,
    ItemPolicy,
    OpenClass,
    Operation,
    Purpose,
    ResourcePolicy,
    SharingClass,
    Shown,
)

_ABSENT = ItemDecision(Shown.ABSENT)
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
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()

    def scoped(self, operation: Operation, target: str) -> bool:
        """Whether the token carries ``<operation>:<target>``."""
        return f"{operation.scope_prefix}:{target}" in self.scopes


def _grant_content(grant: GrantTerms) -> list[object]:
    items = [[i.code, i.value.value, i.key, i.mask.label if i.mask else None] for i in grant.items]
    purposes = [[p.code, p.scenario, p.basis] for p in grant.purposes]
    operations = sorted(o.value for o in grant.operations)
    quota = [grant.quota.calls, grant.quota.rows, grant.quota.per] if grant.quota else None
    flags = [grant.per_claim, grant.discloses_existence, grant.page_limit, quota, sorted(grant.documents)]
    return [grant.grant, grant.resource, operations, items, grant.rows, purposes, flags, grant.approver]


def decide(policy: ResourcePolicy, rights: Rights) -> Decision | None:
    """What the caller may do with the resource; ``None`` when it does not exist for it (CLS-01, CLS-07)."""
    if policy.sharing_class is SharingClass.NOT_SHARED:
        return None
    if rights.public:
        return _decide_public(policy)
    if policy.sharing_class is SharingClass.UNCONDITIONAL:
        return _decide_unconditional(policy, rights)
    return _decide_conditional(policy, rights)


def _decide_public(policy: ResourcePolicy) -> Decision | None:
    operations = policy.operations & {Operation.QUERY}
    if policy.open_class is not OpenClass.OPEN or not policy.public or not operations:
        return None
    items = {code: _open_item(item) for code, item in policy.items.items()}
    return Decision(policy.code, operations, items, None, (), DEFAULT_PAGE_LIMIT, False, True, None, PUBLIC_APPROVER, ("open:OPEN",))


def _open_item(item: ItemPolicy) -> ItemDecision:
    if item.sharing_class is not SharingClass.UNCONDITIONAL or item.open_denied:
        return _ABSENT
    if item.open_mask is not None:
        return ItemDecision(Shown.MASKED, item.open_mask)
    return _ABSENT if item.sensitive else ItemDecision(Shown.CLEAR, key=item.identifier)


def _shared_item(item: ItemPolicy) -> ItemDecision:
    if item.sharing_class is not SharingClass.UNCONDITIONAL or item.share_denied:
        return _ABSENT
    if item.share_mask is not None:
        return ItemDecision(Shown.MASKED, item.share_mask, key=item.identifier)
    return _ABSENT if item.sensitive else ItemDecision(Shown.CLEAR, key=item.identifier)


def _decide_unconditional(policy: ResourcePolicy, rights: Rights) -> Decision | None:
    operations = frozenset(o for o in policy.operations if rights.scoped(o, "unconditional"))
    if not operations:
        return None
    items = {code: _shared_item(item) for code, item in policy.items.items()}
    grant = rights.grants.get(policy.code)
    if grant is None:
        approver = UNCONDITIONAL_APPROVER
        return Decision(policy.code, operations, items, None, rights.purposes, DEFAULT_PAGE_LIMIT, True, True, None, approver, ("class:UNCONDITIONAL",))
    # What the grant adds becomes part of every operation that all departments have; a grant for some of them only adds nothing.
    if grant.rows is None and grant.operations >= operations:
        items |= {i.code: _granted_item(policy.items[i.code], i) for i in grant.items if i.code in policy.items}
    purposes = tuple({p.code: p for p in (*rights.purposes, *grant.purposes)}.values())
    reasons = ("class:UNCONDITIONAL", f"grant:{grant.grant}")
    return Decision(
        policy.code,
        operations,
        items,
        None,
        purposes,
        grant.page_limit,
        True,
        True,
        grant.grant,
        grant.approver,
        reasons,
        grant.quota,
        grant.documents,
    )


def _decide_conditional(policy: ResourcePolicy, rights: Rights) -> Decision | None:
    grant = rights.grants.get(policy.code)
    if grant is None:
        return None
    operations = frozenset(o for o in policy.operations & grant.operations if rights.scoped(o, policy.code))
    if not operations:
        return None
    items = dict.fromkeys(policy.items, _ABSENT)
    items |= {i.code: _granted_item(policy.items[i.code], i) for i in grant.items if i.code in policy.items}
    reasons = ("class:CONDITIONAL", f"grant:{grant.grant}")
    return Decision(
        policy.code,
        operations,
        items,
        grant.rows,
        grant.purposes,
        grant.page_limit,
        grant.per_claim,
        grant.discloses_existence,
        grant.grant,
        grant.approver,
        reasons,
        grant.quota,
        grant.documents,
    )


def _granted_item(policy: ItemPolicy, item: GrantItem) -> ItemDecision:
    if policy.sharing_class is SharingClass.NOT_SHARED or policy.share_denied:
        return _ABSENT
    if item.value is Shown.MASKED:
        mask = item.mask or policy.share_mask
        return ItemDecision(Shown.MASKED, mask, item.key) if mask else ItemDecision(Shown.ABSENT, key=item.key)
    return ItemDecision(item.value, key=item.key)
