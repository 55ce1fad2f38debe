"""What a new state of the catalog does to masks: rules that come, go or change, and items that are masked less than before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from auth.rights import ItemPolicy, SharingClass
from hub.ledger.entry import Json
from hub.listed import listed
from hub.masking.order import Order, order
from masking.rules import DENY, NO_MASKS, Mask
from schema.model import Resource

Kind = Literal["RULE_ADDED", "RULE_REMOVED", "RULE_CHANGED", "RULE_WEAKENED", "ITEM_WEAKENED", "ITEM_UNMASKED", "ITEM_CHANGED"]
WEAKER = frozenset({"RULE_WEAKENED", "ITEM_WEAKENED", "ITEM_UNMASKED"})
"""Changes by which somebody may see more of an item than before; through a rule also who has a grant that names it."""


@dataclass(frozen=True, slots=True)
class MaskChange:
    """One change. ``target`` is ``department.rule`` or ``department.resource.item``; ``before`` and ``after`` are rules as ``label@version``, ``DENY``, ``CLEAR``.

    ``profile`` is ``share`` or ``open`` for items, empty for rules.
    """

    kind: Kind
    target: str
    profile: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        place = f"{self.target} {self.profile}".strip()
        return f"{self.kind} {place}: {self.before or '-'} → {self.after or '-'}"


def mask_changes(department: str, before: Mapping[str, Resource], after: Mapping[str, Resource]) -> tuple[MaskChange, ...]:
    """Every change between two states of a department's resources: rules first, then items that both states have."""
    rules = _rules(department, _declared(before), _declared(after))
    items = (change for code, resource in after.items() if code in before for change in _items(before[code], resource))
    return (*rules, *items)


def as_json(changes: Iterable[MaskChange]) -> dict[str, Json]:
    """For a ledger entry: the changes as texts, those that weaken first; nothing where there are none."""
    return listed("masks", (str(change) for change in sorted(changes, key=lambda one: one.kind not in WEAKER)))


def _declared(resources: Mapping[str, Resource]) -> Mapping[str, Mask]:
    return next((resource.masks for resource in resources.values()), NO_MASKS)


def _rules(department: str, before: Mapping[str, Mask], after: Mapping[str, Mask]) -> Iterator[MaskChange]:
    for code in sorted({*before, *after}):
        old, new = before.get(code), after.get(code)
        if old != new:
            yield MaskChange(_rule_kind(old, new), f"{department}.{code}", "", _label(old) if old else None, _label(new) if new else None)


def _rule_kind(old: Mask | None, new: Mask | None) -> Kind:
    if old is None:
        return "RULE_ADDED"
    if new is None:
        return "RULE_REMOVED"
    return "RULE_WEAKENED" if _KINDS[order(old, new)] in WEAKER else "RULE_CHANGED"


def _items(before: Resource, after: Resource) -> Iterator[MaskChange]:
    for code, item in after.policy.items.items():
        old = before.policy.items.get(code)
        if old is None:
            continue
        for profile in ("share", "open"):
            was, now = _view(old, profile), _view(item, profile)
            if kind := _kind(was, now):
                yield MaskChange(kind, f"{after.code}.{code}", profile, _label(was), _label(now))


def _view(item: ItemPolicy, profile: str) -> Mask | str:
    """What the profile gives of an item without any grant's own choice: a mask, ``CLEAR`` or ``DENY``."""
    mask, denied = (item.share_mask, item.share_denied) if profile == "share" else (item.open_mask, item.open_denied)
    if denied or item.sharing_class is SharingClass.NOT_SHARED:
        return DENY
    return mask or (DENY if item.sensitive else "CLEAR")


def _kind(was: Mask | str, now: Mask | str) -> Kind | None:
    if was == now:
        return None
    if now == DENY:
        return "ITEM_CHANGED"
    if now == "CLEAR":
        return "ITEM_UNMASKED"
    if was == "CLEAR" or not isinstance(now, Mask):
        return "ITEM_CHANGED"
    if not isinstance(was, Mask):
        return "ITEM_WEAKENED"
    return _KINDS[order(was, now)]


_KINDS: Mapping[Order, Kind] = {
    Order.EQUAL: "ITEM_CHANGED",
    Order.STRONGER: "ITEM_CHANGED",
    # Of two rules that cannot be compared, the new one may show what the old one hid.
    Order.UNRELATED: "ITEM_WEAKENED",
    Order.WEAKER: "ITEM_WEAKENED",
}


def _label(view: Mask | str) -> str:
    return f"{view.label}@{view.version}" if isinstance(view, Mask) else view
