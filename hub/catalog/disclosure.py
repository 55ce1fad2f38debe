"""Disclosure diff 披露差异: what one caller sees of a resource before and after a change, decided by the same rules as its calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from auth.decide import Rights, decide
from auth.rights import Decision, Operation, Shown
from hub.catalog.disclosure_conditions import cohorts, links, loosened
from hub.masking.order import Order, order
from masking.rules import Mask
from schema.model import Item, Resource

_LISTING = frozenset({Operation.QUERY, Operation.EXCHANGE})


class Seen(Enum):
    """How an item is seen, from not at all to wholly."""

    ABSENT = "ABSENT"
    KEY = "KEY"
    """Not shown; rows are looked up and linked by it."""
    VERIFIED = "VERIFIED"
    """Not shown; claims about it are answered."""
    MASKED = "MASKED"
    CLEAR = "CLEAR"


class Change(Enum):
    """What became of an item for a caller."""

    NEWLY_CLEAR = "NEWLY_CLEAR"
    NEWLY_MASKED = "NEWLY_MASKED"
    NEWLY_VERIFIED = "NEWLY_VERIFIED"
    NEWLY_KEY = "NEWLY_KEY"
    NEWLY_FILTERABLE = "NEWLY_FILTERABLE"
    WEAKER_MASK = "WEAKER_MASK"
    STRONGER_MASK = "STRONGER_MASK"
    CHANGED_MASK = "CHANGED_MASK"
    """Another rule, or another version of it, of which it is not known which shows more."""
    CLEAR_TO_MASKED = "CLEAR_TO_MASKED"
    NO_LONGER_KEY = "NO_LONGER_KEY"
    NO_LONGER_FILTERABLE = "NO_LONGER_FILTERABLE"
    NO_LONGER_VERIFIED = "NO_LONGER_VERIFIED"
    OTHER_ORIGIN = "OTHER_ORIGIN"
    """Seen as before, and read from another place of the source."""
    GONE = "GONE"


WIDER = frozenset(
    {
        *(Change.NEWLY_CLEAR, Change.NEWLY_MASKED, Change.NEWLY_VERIFIED, Change.NEWLY_KEY, Change.NEWLY_FILTERABLE),
        *(Change.WEAKER_MASK, Change.CHANGED_MASK, Change.OTHER_ORIGIN),
    }
)
"""Changes by which a caller sees more, or may see more."""


@dataclass(frozen=True, slots=True)
class Sight:
    """How one caller sees one item, by which rule, and what else the item serves it for."""

    seen: Seen = Seen.ABSENT
    mask: Mask | None = None
    key: bool = False
    filterable: bool = False
    verifiable: bool = False
    origin: str = ""
    """What the value is read from, while any of it is disclosed."""

    @property
    def label(self) -> str:
        """E.g. ``masked(KEEP_FIRST_3_LAST_4@1) + key``."""
        rule = f"({self.mask.label}@{self.mask.version})" if self.mask else ""
        return f"{self.seen.value.lower()}{rule}{' + key' if self.key and self.seen in (Seen.MASKED, Seen.VERIFIED) else ''}"


UNSEEN = Sight()


class Kind(Enum):
    """Whose sight a change is about."""

    PUBLIC = "PUBLIC"
    EVERY_DEPARTMENT = "EVERY_DEPARTMENT"
    APPLICATION = "APPLICATION"


@dataclass(frozen=True, slots=True, order=True)
class Viewer:
    """The public, every department's applications, or one application."""

    kind: str
    name: str = ""
    department: str = ""


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One item; never without a change."""

    item: str
    before: Sight
    after: Sight
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What changed for one caller in one resource; ``rows`` are the row conditions before and after, where the resource is there at all."""

    viewer: Viewer
    resource: str
    items: tuple[ItemChange, ...]
    added: tuple[Operation, ...] = ()
    removed: tuple[Operation, ...] = ()
    rows: tuple[str | None, str | None] | None = None
    conditions: tuple[tuple[str, str, str], ...] = ()
    """What else binds the use: name, before, after."""

    @property
    def wider(self) -> bool:
        """Whether the caller sees more, or may see more."""
        other_rows = self.rows is not None and self.rows[1] != self.rows[0]
        return bool(self.added) or other_rows or any(loosened(*each) for each in self.conditions) or any(WIDER & set(each.changes) for each in self.items)


@dataclass(frozen=True, slots=True)
class State:
    """A resource and what the caller may, at one of the two moments; either may be missing."""

    resource: Resource | None
    rights: Rights

    def decision(self) -> Decision | None:
        """As ``auth.decide`` makes it."""
        return decide(self.resource.policy, self.rights) if self.resource is not None else None


def compare(viewer: Viewer, code: str, before: State, after: State) -> ResourceChange | None:
    """What the caller sees otherwise; ``None`` where it sees the same."""
    first, second = before.decision(), after.decision()
    items = tuple(_item_changes(_sights(before.resource, first), _sights(after.resource, second)))
    had, has = (frozenset(d.operations) if d else frozenset() for d in (first, second))
    rows, conditions = _bindings(first, second)
    if had & _LISTING and has & _LISTING:
        conditions += cohorts(before.resource, after.resource) + links((before.resource, first), (after.resource, second))
    if not items and had == has and rows is None and not conditions:
        return None
    return ResourceChange(viewer, code, items, _in_order(has - had), _in_order(had - has), rows, conditions)


def _in_order(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    return tuple(sorted(operations, key=list(Operation).index))


def _bindings(first: Decision | None, second: Decision | None) -> tuple[tuple[str | None, str | None] | None, tuple[tuple[str, str, str], ...]]:
    if first is None or second is None:
        return None, ()
    rows = (first.rows, second.rows) if first.rows != second.rows else None
    pairs = {
        "discloses_existence": (first.discloses_existence, second.discloses_existence),
        "per_claim": (first.per_claim, second.per_claim),
        "documents": (sorted(first.documents), sorted(second.documents)),
    }
    return rows, tuple((name, json.dumps(one), json.dumps(other)) for name, (one, other) in pairs.items() if one != other)


def _sights(resource: Resource | None, decision: Decision | None) -> dict[str, Sight]:
    if resource is None or decision is None:
        return {}
    whence = json.dumps([resource.source, resource.binding.object, resource.binding.options], ensure_ascii=False)
    found = {code: _sight(item, decision, whence) for code, item in resource.items.items()}
    return {code: sight for code, sight in found.items() if sight != UNSEEN}


def _sight(item: Item, decision: Decision, whence: str) -> Sight:
    decided = decision.items.get(item.code)
    if decided is None or (decided.shown is Shown.ABSENT and not decided.key):
        return UNSEEN
    listed, clear = bool(decision.operations & _LISTING), decided.shown is Shown.CLEAR
    verifiable = clear and decision.allows(Operation.VERIFY) and (decision.allows(Operation.QUERY) or not item.few_valued)
    seen = Seen.MASKED if decided.shown is Shown.MASKED else Seen.CLEAR if clear and listed else Seen.VERIFIED if verifiable else Seen.KEY
    origin = f"{whence} {item.column} {item.kind.value}"
    return Sight(seen, decided.mask, decided.usable_as_key, clear and listed and item.filterable, verifiable, origin)


def _item_changes(before: Mapping[str, Sight], after: Mapping[str, Sight]) -> Iterable[ItemChange]:
    for code in dict.fromkeys([*before, *after]):
        first, second = before.get(code, UNSEEN), after.get(code, UNSEEN)
        if first != second:
            yield ItemChange(code, first, second, tuple(_changes(first, second)))


def _changes(before: Sight, after: Sight) -> Iterable[Change]:
    yield from _value_changes(before, after)
    if after.key and not before.key and after.seen is not Seen.CLEAR:
        yield Change.NEWLY_KEY
    if before.key and not after.key and before.seen is not Seen.CLEAR:
        yield Change.NO_LONGER_KEY
    if after.filterable != before.filterable:
        yield Change.NEWLY_FILTERABLE if after.filterable else Change.NO_LONGER_FILTERABLE
    if after.verifiable != before.verifiable and Seen.VERIFIED not in (before.seen, after.seen):
        yield Change.NEWLY_VERIFIED if after.verifiable else Change.NO_LONGER_VERIFIED
    if before.origin and after.origin and before.origin != after.origin:
        yield Change.OTHER_ORIGIN


def _value_changes(before: Sight, after: Sight) -> Iterable[Change]:
    if after.seen is before.seen is Seen.MASKED and before.mask and after.mask and before.mask != after.mask:
        yield _RULES[order(before.mask, after.mask)]
    if after.seen is before.seen:
        return
    if after.seen is Seen.CLEAR:
        yield Change.NEWLY_CLEAR
    elif after.seen is Seen.MASKED:
        yield Change.CLEAR_TO_MASKED if before.seen is Seen.CLEAR else Change.NEWLY_MASKED
    elif before.seen in (Seen.CLEAR, Seen.MASKED, Seen.VERIFIED):
        yield Change.GONE
    if after.seen is Seen.VERIFIED:
        yield Change.NEWLY_VERIFIED


_RULES = {Order.WEAKER: Change.WEAKER_MASK, Order.STRONGER: Change.STRONGER_MASK, Order.EQUAL: Change.CHANGED_MASK, Order.UNRELATED: Change.CHANGED_MASK}
