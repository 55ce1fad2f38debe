"""The words in which rights are spoken: operations, sharing classes, grants and the decision that follows from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from auth.reasons import Reason
from masking.rules import Mask


class Operation(Enum):
    """查询, 核验, 批量交换: the three things one may do with a resource."""

    QUERY = "QUERY"
    VERIFY = "VERIFY"
    EXCHANGE = "EXCHANGE"
    # Members are there once and equal nothing else; Enum's own hash is Python.
    __hash__ = object.__hash__

    @property
    def scope_prefix(self) -> str:
        """How OAuth scopes spell the operation."""
        return self.value.lower()


class SharingClass(Enum):
    """共享类型 (State Council Decree 809, art. 14)."""

    UNCONDITIONAL = "UNCONDITIONAL"
    CONDITIONAL = "CONDITIONAL"
    NOT_SHARED = "NOT_SHARED"


class OpenClass(Enum):
    """开放类型: whether the public may have the resource."""

    OPEN = "OPEN"
    AUTHORIZED = "AUTHORIZED"
    CLOSED = "CLOSED"


class Shown(Enum):
    """What a caller sees of an item's value."""

    CLEAR = "CLEAR"
    MASKED = "MASKED"
    ABSENT = "ABSENT"


@dataclass(frozen=True, slots=True)
class ItemPolicy:
    """What the catalog says of one item, as far as rights depend on it."""

    code: str
    sharing_class: SharingClass
    sensitive: bool
    identifier: bool
    share_mask: Mask | None
    """The mask for sharing; ``None`` with ``share_denied`` false means that the catalog names none."""
    share_denied: bool
    open_mask: Mask | None
    open_denied: bool
    type: str = ""
    """The item's catalog type, which a grant's mask has to fit; empty where it does not matter."""
    few_values: bool = False
    """Whether it has so few values that a pseudonym would tell them by how often each occurs."""
    column: str = ""
    """What its values are read from; empty where it does not matter."""


@dataclass(frozen=True, slots=True)
class ResourcePolicy:
    """What the catalog says of one resource, as far as rights depend on it."""

    code: str
    department: str
    sharing_class: SharingClass
    open_class: OpenClass
    public: bool
    """Its level is PUBLIC; only then may the public read it."""
    operations: frozenset[Operation]
    items: Mapping[str, ItemPolicy]
    masks: Mapping[str, Mask] = field(default_factory=dict)
    """The department's own masking rules, by code: a grant may name one of them."""
    withdrawn: bool = False
    """撤回: out of service for everybody, whatever was granted."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """用途: why calls are made; names the government scenario and the legal basis it serves."""

    code: str
    scenario: str
    basis: str


@dataclass(frozen=True, slots=True)
class GrantItem:
    """One item of a grant: how its value is shown, and whether it may serve as key."""

    code: str
    value: Shown
    key: bool = False
    mask: Mask | None = None
    """Overrides the catalog's share mask where the value is masked."""
    declared: str | None = None
    """The code of the department's own rule that does so, as the catalog in force has it. One that is not there withholds the value."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much may be taken in a period, in UTC+8: calls, rows, or both. A quota's period is ``HOUR``, ``DAY`` or ``MONTH``, a rate's ``SECOND`` or ``MINUTE``."""

    calls: int | None
    rows: int | None
    per: str


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """What the review of an access request gave: the live terms of one grant."""

    grant: str
    resource: str
    operations: frozenset[Operation]
    items: tuple[GrantItem, ...]
    rows: str | None
    """The row condition as canonical JSON in the grammar of ``where``; ``None``: all rows."""
    purposes: tuple[Purpose, ...]
    per_claim: bool
    discloses_existence: bool
    page_limit: int
    approver: str
    quota: Quota | None = None
    documents: frozenset[str] = frozenset()
    """SHA-256, in hex, of the only documents that may use the grant; empty: any document."""
    rate: Quota | None = None


@dataclass(frozen=True, slots=True)
class ItemDecision:
    """What one caller may do with one item. A key serves exact look-up, links and a verification's subject, never filter, order or group."""

    shown: Shown
    reason: Reason
    mask: Mask | None = None
    key: bool = False

    @property
    def usable_as_key(self) -> bool:
        """Whether exact look-up by the item is allowed."""
        return self.key or self.shown is Shown.CLEAR


@dataclass(frozen=True, slots=True)
class Decision:
    """What one caller may do with one resource now, and why. Reasons are no part of ``digest``: they change nothing that is disclosed."""

    resource: str
    operations: frozenset[Operation]
    items: Mapping[str, ItemDecision]
    rows: str | None
    purposes: tuple[Purpose, ...]
    page_limit: int
    per_claim: bool
    discloses_existence: bool
    grant: str | None
    approver: str
    """批准人员: who approved the grant; for an unconditional or open resource, the rule that gives it."""
    reasons: tuple[Reason, ...] = ()
    """Why the resource is there for the caller; each item has a reason of its own."""
    quota: Quota | None = None
    documents: frozenset[str] = frozenset()
    rate: Quota | None = None

    @property
    def digest(self) -> str:
        """SHA-256, in hex, over everything that decides what is disclosed: an equal digest discloses the same. Of a mask that is every part of it."""
        items = [[code, i.shown.value, repr(i.mask) if i.mask else None, i.key] for code, i in sorted(self.items.items())]
        content = [self.resource, sorted(o.value for o in self.operations), items, self.rows]
        return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()

    def allows(self, operation: Operation) -> bool:
        """Whether the operation is among those decided."""
        return operation in self.operations


@dataclass(frozen=True, slots=True)
class Use:
    """The use that a call declares (LOG-01)."""

    purpose: str | None = None
    operator: str | None = None
    case: str | None = None


DEFAULT_PAGE_LIMIT = 1000
