"""Links that undo masks: from a key that a caller does not see in clear to an identifier of the same value that the caller sees in clear."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from auth.decide import Rights, decide
from auth.rights import Decision, Operation, Shown
from hub.masking.touched import EVERYBODY
from hub.sharing.registry import Application
from schema.model import Link, Resource, Snapshot, joins
from schema.naming import camel

Decided = Callable[[str], Decision | None]
"""What one caller may do with a resource, by its code."""


@dataclass(frozen=True, slots=True)
class Undone:
    """An item that a caller does not see in clear, and the way on which the same caller does. ``application`` is ``None`` for every department."""

    resource: str
    item: str
    way: str
    """``household → civil_affairs.household.household_no``: fields of links, and the identifier at their end."""
    passed: frozenset[str]
    """The resources on the way, both ends included."""
    application: str | None = None
    department: str | None = None

    def __str__(self) -> str:
        who = self.application or "各部门 every department"
        zh = f"{who} 看到的 {self.resource}.{self.item} 非明文，却可沿链接 {self.way} 看到同一取值的明文；请将两端同样脱敏，或不予其一作标识"
        return f"{zh} does not see it in clear, but its value at the end of this link: mask both ends alike, or give one of them as no key"


def decided_by(snapshot: Snapshot, rights: Rights) -> Decided:
    """A caller's decisions, each made once."""

    @cache
    def decided(code: str) -> Decision | None:
        resource = snapshot.resources.get(code)
        return decide(resource.policy, rights) if resource is not None else None

    return decided


def rights_of(app: Application) -> Rights:
    """All that an application may do with its grants in service."""
    return Rights(app.client_id, app.department, app.scopes(), app.purposes, {each.terms.resource: each.terms for each in app.grants})


def undone_items(snapshot: Snapshot, decided: Decided) -> Iterator[Undone]:
    """Every item whose mask a link undoes for one caller."""
    for resource in snapshot.resources.values():
        for item in dict.fromkeys(link.item for link in resource.links):
            yield from ways_to_clear(snapshot, decided, resource, item)


def ways_to_clear(snapshot: Snapshot, decided: Decided, resource: Resource, item: str) -> Iterator[Undone]:
    """The links, one behind another where need be, that lead from an item that is not in clear to its value in clear."""
    if not _is_hidden(resource, decided(resource.code), item):
        return
    seen = {(resource.code, item)}
    waiting = deque([(resource, item, "", frozenset({resource.code}))])
    while waiting:
        here, code, way, passed = waiting.popleft()
        for link, target in _followed(snapshot, decided, here, code):
            end = target.code, link.to_item
            if end in seen:
                continue
            seen.add(end)
            reached = (f"{way}{camel(link.field)} → ", passed | {target.code})
            if _is_clear(decided, *end):
                yield Undone(resource.code, item, f"{reached[0]}{target.code}.{link.to_item}", reached[1])
            else:
                waiting.append((target, link.to_item, *reached))


def _is_hidden(resource: Resource, decision: Decision | None, item: str) -> bool:
    """Whether the caller sees a mask, or nothing of what the catalog masks or marks sensitive. A plain key that is not shown hides nothing."""
    if decision is None or item not in resource.items:
        return False
    policy, shown = resource.policy.items[item], decision.items[item].shown
    return shown is Shown.MASKED or (shown is Shown.ABSENT and (policy.sensitive or policy.share_mask is not None))


def _followed(snapshot: Snapshot, decided: Decided, here: Resource, item: str) -> Iterator[tuple[Link, Resource]]:
    for link in here.links if _is_key(decided, here.code, item) else ():
        target = snapshot.resources.get(link.to_resource)
        if link.item == item and target is not None and joins(here, link, target) and _is_key(decided, target.code, link.to_item):
            yield link, target


def _is_key(decided: Decided, resource: str, item: str) -> bool:
    decision = decided(resource)
    return decision is not None and bool(decision.operations & {Operation.QUERY, Operation.EXCHANGE}) and decision.items[item].usable_as_key


def _is_clear(decided: Decided, resource: str, item: str) -> bool:
    decision = decided(resource)
    return decision is not None and decision.items[item].shown is Shown.CLEAR


def undone_by_links(snapshot: Snapshot, applications: Iterable[Application]) -> list[Undone]:
    """Every caller's, of the catalog in force and the grants in service; what every department sees so is told once."""
    common = list(undone_items(snapshot, decided_by(snapshot, EVERYBODY)))
    known = {(one.resource, one.item, one.way) for one in common}
    own = [
        Undone(one.resource, one.item, one.way, one.passed, app.name, app.department)
        for app in applications
        if app.active and app.grants
        for one in undone_items(snapshot, decided_by(snapshot, rights_of(app)))
        if (one.resource, one.item, one.way) not in known
    ]
    return sorted([*common, *own], key=lambda one: (one.resource, one.item, one.way, one.application or ""))


def as_rows(found: Iterable[Undone]) -> list[dict[str, object]]:
    """For a table or JSON."""
    return [
        {"resource": one.resource, "item": one.item, "way": one.way, "application": one.application, "department": one.department, "warning": str(one)}
        for one in found
    ]
