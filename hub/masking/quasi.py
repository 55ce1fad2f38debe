"""Quasi-identifier sets 准标识符组合: items that one caller sees in clear and that together name a person, though none of them does (E14)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from auth.decide import Rights, decide
from auth.rights import Decision, Operation, Shown
from hub.masking.meanings import BIRTH, Meaning, meaning_of
from hub.masking.touched import EVERYBODY
from hub.sharing.registry import PUBLIC, Application
from schema.model import Item, Resource, Snapshot

LEAST = 3
"""Items that make a set: date of birth, sex and place already name most people."""
_LISTING = frozenset({Operation.QUERY, Operation.EXCHANGE})


@dataclass(frozen=True, slots=True)
class QuasiSet:
    """What one caller sees in clear of a resource that re-identifies. ``grant`` is ``None`` for the public and for every department."""

    viewer: str
    resource: str
    items: tuple[str, ...]
    application: str | None = None
    department: str | None = None
    grant: str | None = None

    def __str__(self) -> str:
        who = self.application or {"PUBLIC": "社会公众 the public", "EVERY_DEPARTMENT": "各部门 every department"}[self.viewer]
        zh = f"{who} 以明文看到 {self.resource} 的准标识符 {', '.join(self.items)}，合在一起可识别个人；请至少脱敏其一（如 DATE_TO_YEAR）"
        return f"{zh} sees these quasi-identifiers in clear, which together name people: mask one of them at least, e.g. DATE_TO_YEAR"


def is_quasi(item: Item) -> bool:
    """Whether an item helps to name a person: it is marked so, or its values are dates of birth or addresses."""
    meaning = meaning_of(item)
    birth = meaning is Meaning.DATE and bool(BIRTH.search(item.code) or "出生" in item.name)
    return "quasi-identifier" in item.marks or birth or meaning is Meaning.ADDRESS


def quasi_set(resource: Resource, decision: Decision | None) -> tuple[str, ...]:
    """The quasi-identifiers that a decision shows in clear in rows, if they are a set; none where an identifier or a name is in clear anyway."""
    if decision is None or not decision.operations & _LISTING:
        return ()
    clear = [item for code, item in resource.items.items() if decision.items[code].shown is Shown.CLEAR]
    if any(item.code in resource.identifiers or "identifier" in item.marks or meaning_of(item) is Meaning.RESIDENT_ID for item in clear):
        return ()
    found = tuple(item.code for item in clear if is_quasi(item))
    return found if len(found) >= LEAST else ()


def quasi_sets(snapshot: Snapshot, applications: Iterable[Application]) -> list[QuasiSet]:
    """Every caller's sets, of the catalog in force and the grants in service."""
    candidates = {code: resource for code, resource in snapshot.resources.items() if sum(map(is_quasi, resource.items.values())) >= LEAST}
    found = [made for resource in candidates.values() for made in _of_everybody(resource)]
    for app in applications:
        for grant in app.grants if app.active else ():
            resource = candidates.get(grant.terms.resource)
            if resource is not None:
                rights = Rights(app.client_id, app.department, app.scopes(), app.purposes, {resource.code: grant.terms})
                if items := quasi_set(resource, decide(resource.policy, rights)):
                    found.append(QuasiSet("APPLICATION", resource.code, items, app.name, app.department, grant.terms.grant))
    return sorted(found, key=lambda one: (one.resource, one.viewer, one.application or ""))


def _of_everybody(resource: Resource) -> Iterator[QuasiSet]:
    for viewer, rights in (("PUBLIC", PUBLIC), ("EVERY_DEPARTMENT", EVERYBODY)):
        if items := quasi_set(resource, decide(resource.policy, rights)):
            yield QuasiSet(viewer, resource.code, items)


def as_rows(found: Iterable[QuasiSet]) -> list[dict[str, object]]:
    """For a table or JSON."""
    return [
        {"resource": one.resource, "items": list(one.items), "viewer": one.viewer, "application": one.application, "grant": one.grant, "warning": str(one)}
        for one in found
    ]
