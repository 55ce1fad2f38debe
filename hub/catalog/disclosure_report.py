"""The disclosure diff of two states: versions of the catalog, the grants of two moments, or a grant that is not made yet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from auth.decide import Rights
from auth.rights import GrantTerms
from hub.catalog.disclosure import Kind, ResourceChange, State, Viewer, compare
from hub.catalog.disclosure_versions import EVERYBODY, Holder, Version, before, granted_between, holders, pending, published, resources
from hub.catalog.problems import Problem, Refused
from hub.sharing.registry import PUBLIC
from hub.store.base import now
from schema.model import Resource

PUBLIC_VIEWER, EVERY_DEPARTMENT = Viewer(Kind.PUBLIC.value), Viewer(Kind.EVERY_DEPARTMENT.value)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared. Numbers are of published versions; where none is given, those in force at the moments, or now and before.

    ``pending``: what is in force with the newest import that waits, or that of ``manifest``, on top of it. ``department``: only its resources.
    """

    first: int | None = None
    last: int | None = None
    pending: bool = False
    manifest: int | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    department: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A disclosure diff. ``compared`` counts the decisions that were made twice for it: one for all callers with equal terms."""

    first: str
    last: str
    changes: tuple[ResourceChange, ...]
    compared: int

    @property
    def digest(self) -> str:
        """SHA-256, in hex, over what changes for whom: what a reviewer has seen."""
        # Callers with the same terms share what changed: it is written out once.
        written: dict[int, str] = {}
        content = [_content(each, written) for each in self.changes]
        return _sha256(content)

    @property
    def wider(self) -> int:
        """In how many of the changes somebody sees more, or may see more."""
        return sum(each.wider for each in self.changes)


def _content(change: ResourceChange, written: dict[int, str]) -> list[object]:
    viewer = [change.viewer.kind, change.viewer.name, change.viewer.department]
    items = written.get(id(change.items))
    if items is None:
        each = [[one.item, repr(one.before), repr(one.after), [kind.value for kind in one.changes]] for one in change.items]
        items = written[id(change.items)] = _sha256(each)
    return [viewer, change.resource, items, [o.value for o in change.added], [o.value for o in change.removed], change.rows, change.conditions]


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def disclosure(connection: Connection, asked: Asked) -> Report:
    """Computes a disclosure diff. Manifests are read of the departments that differ alone, and grants on the resources that differ.

    Raises:
        Refused: ``NOT_FOUND``, ``BAD_INPUT``.
    """
    one, other = _versions(connection, asked)
    moments = _moments(asked)
    touched = {code for code in {*one.parts, *other.parts} if one.parts.get(code) != other.parts.get(code)}
    moved = granted_between(connection, *moments) if moments else set()
    wanted = {code for code in touched | {code.partition(".")[0] for code in moved} if asked.department in (None, code)}
    old, new = (resources(connection, version, wanted) for version in (one, other))
    codes = [code for code in sorted({*old, *new}) if _differs(old.get(code), new.get(code)) or code in moved]
    if moments:
        held = tuple(holders(connection, codes, moment, past=True) for moment in moments)
        labels = tuple(f"{version.label} @ {moment.isoformat(timespec='seconds')}" for version, moment in zip((one, other), moments, strict=True))
    else:
        found = holders(connection, codes, now())
        held, labels = (found, found), (one.label, other.label)
    return compared(labels[0], labels[1], codes, (old, new), (held[0], held[1]))


def compared(
    first: str,
    last: str,
    codes: Iterable[str],
    catalogs: tuple[Mapping[str, Resource], Mapping[str, Resource]],
    held: tuple[Mapping[str, list[Holder]], Mapping[str, list[Holder]]],
) -> Report:
    """Compares what everybody sees of these resources, in two catalogs and with two sets of grants, by resource."""
    changes: list[ResourceChange] = []
    decided = 0
    for code in codes:
        old, new = (catalog.get(code) for catalog in catalogs)
        known: dict[object, ResourceChange | None] = {}
        for viewer, (one, other) in _states(code, (old, new), held).items():
            key = _terms(one.rights, other.rights, code)
            if key not in known:
                known[key] = compare(viewer, code, one, other)
                decided += 1
            if change := known[key]:
                changes.append(replace(change, viewer=viewer))
    return Report(first, last, tuple(sorted(changes, key=lambda each: (each.resource, _RANK[each.viewer.kind], each.viewer))), decided)


def _terms(before: Rights, after: Rights, code: str) -> object:
    """What a change follows from: callers with equal terms see the same changes. Row conditions matter where they differ."""
    first, second = before.grants.get(code), after.grants.get(code)
    rows = None if first and second and first.rows == second.rows else (first and first.rows, second and second.rows)
    return before.public, rows, _content_of(first), _content_of(second)


def _content_of(terms: GrantTerms | None) -> object:
    return (terms.operations, terms.items, terms.rows is None, terms.per_claim, terms.discloses_existence, terms.documents) if terms else None


_RANK = {Kind.PUBLIC.value: 0, Kind.EVERY_DEPARTMENT.value: 1, Kind.APPLICATION.value: 2}


def _states(
    code: str, resource: tuple[Resource | None, Resource | None], held: tuple[Mapping[str, list[Holder]], Mapping[str, list[Holder]]]
) -> dict[Viewer, tuple[State, State]]:
    found = {viewer: (State(resource[0], rights), State(resource[1], rights)) for viewer, rights in ((PUBLIC_VIEWER, PUBLIC), (EVERY_DEPARTMENT, EVERYBODY))}
    had, has = ({each.viewer: each.rights for each in holding.get(code, ())} for holding in held)
    # Whoever has no grant is one of every department, before or after it has one.
    found |= {viewer: (State(resource[0], had.get(viewer, EVERYBODY)), State(resource[1], has.get(viewer, EVERYBODY))) for viewer in {**had, **has}}
    return found


def _differs(one: Resource | None, other: Resource | None) -> bool:
    return one != other


def _versions(connection: Connection, asked: Asked) -> tuple[Version, Version]:
    if asked.pending or asked.manifest is not None:
        if asked.last is not None:
            raise Refused(Problem("BAD_INPUT", "to 与待发布的导入不能同时给出 give a version or an import, not both", "", "to"))
        last = pending(connection, asked.manifest)
        return published(connection, asked.first), last
    last = published(connection, asked.last, asked.last_at)
    if asked.first is None and asked.first_at is None:
        return before(connection, last), last
    return published(connection, asked.first, asked.first_at), last


def _moments(asked: Asked) -> tuple[datetime, datetime] | None:
    if asked.first_at is None and asked.last_at is None:
        return None
    if asked.first_at is None or asked.pending or asked.manifest is not None:
        raise Refused(Problem("BAD_INPUT", "请给出起始时间，且不与导入同时给出 give the first moment, and no import with it", "", "fromTime"))
    last = asked.last_at or now()
    if last < asked.first_at:
        raise Refused(Problem("BAD_INPUT", "起始时间晚于终止时间 the first moment is after the last", "", "fromTime"))
    return asked.first_at, last


def of_grant(connection: Connection, resource: Resource, viewer: Viewer, terms: GrantTerms) -> Report:
    """What an application would see if it were given a grant by these terms instead of what it holds now."""
    held = holders(connection, [resource.code], now())
    catalog = {resource.code: resource}
    has = {resource.code: [each for each in held.get(resource.code, ()) if each.viewer == viewer]}
    return compared("now", "with the grant", [resource.code], (catalog, catalog), (has, {resource.code: [Holder(viewer, terms)]}))
