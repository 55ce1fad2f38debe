"""What a disclosure diff is made of: the manifests in which two versions of the catalog differ, and who held grants at a moment."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, select

from auth.decide import Rights
from auth.rights import GrantTerms, Operation
from connectors.spi import SourceConfig
from hub.catalog.build import build_part
from hub.catalog.disclosure import Kind, Viewer
from hub.catalog.forms import read_stored
from hub.catalog.problems import Problem, Refused
from hub.catalog.tables import department, manifest, snapshot
from hub.people.roles import ADMINISTRATORS
from hub.people.tables import account_role
from hub.sharing.grants import read_terms
from hub.sharing.steps import Step, steps_of
from hub.sharing.tables import application, grant
from schema.model import Resource

T = TypeVar("T")
_AT_ONCE = 500
_LARGEST = 2**31 - 1
_ENDS = frozenset({"revoke", "terminate", "terminateUnrectified", "expire"})
"""Steps after which a grant gives nothing ever again."""
_TURNS = frozenset({"grant", "suspend", "resume"})
_ALL = frozenset(f"{operation.scope_prefix}:unconditional" for operation in Operation)
EVERYBODY = Rights("", None, _ALL)
"""What an application may that holds no grant."""


@dataclass(frozen=True)
class Version:
    """A state of the catalog: its number (0: nothing is published), and by department the manifest in force."""

    number: int
    parts: Mapping[str, int] = field(default_factory=dict)
    pending: int | None = None
    """The import that would be published on top of it."""

    @property
    def label(self) -> str:
        """E.g. ``7``, or ``7 + import 12``."""
        return f"{self.number} + import {self.pending}" if self.pending is not None else str(self.number)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a grant, and its terms."""

    viewer: Viewer
    terms: GrantTerms

    @property
    def rights(self) -> Rights:
        """What a token with all its scopes gives on the grant's resource."""
        scopes = {f"{operation.scope_prefix}:{self.terms.resource}" for operation in self.terms.operations}
        return Rights(self.viewer.name, self.viewer.department, _ALL | scopes, (), {self.terms.resource: self.terms})


def published(connection: Connection, number: int | None = None, at: datetime | None = None) -> Version:
    """The version of a number; else the one in force at a moment, by default now.

    Raises:
        Refused: ``NOT_FOUND``.
    """
    statement = select(snapshot.c.number, snapshot.c.manifests).order_by(snapshot.c.number.desc()).limit(1)
    if number is not None:
        statement = statement.where(snapshot.c.number == min(number, _LARGEST))
    elif at is not None:
        statement = statement.where(snapshot.c.published_at <= at)
    row = connection.execute(statement).first()
    if row is not None:
        return Version(row.number, json.loads(row.manifests))
    if number:
        raise Refused(Problem("NOT_FOUND", f"没有目录版本 no published version {number}", "huitong catalog diff", "number"))
    return Version(0)


def before(connection: Connection, version: Version) -> Version:
    """The version that another one followed."""
    row = connection.execute(select(snapshot.c.number).where(snapshot.c.number < version.number).order_by(snapshot.c.number.desc()).limit(1)).first()
    return published(connection, row.number) if row is not None else Version(0)


def pending(connection: Connection, number: int | None = None) -> Version:
    """The version in force with an import on top of it, by default the newest that waits for review or publication.

    Raises:
        Refused: ``NOT_FOUND``.
    """
    statement = select(manifest.c.id, manifest.c.department).order_by(manifest.c.id.desc()).limit(1)
    waiting = manifest.c.state.in_(("IMPORTED", "APPROVED"))
    row = connection.execute(statement.where(waiting if number is None else manifest.c.id == min(number, _LARGEST))).first()
    if row is None:
        message = "没有待审核或待发布的导入 no import waits for review or publication" if number is None else f"没有导入记录 no import {number}"
        raise Refused(Problem("NOT_FOUND", message, "huitong catalog show --imports", "import"))
    base = published(connection)
    return Version(base.number, {**base.parts, row.department: row.id}, row.id)


def resources(connection: Connection, version: Version, departments: Collection[str]) -> Mapping[str, Resource]:
    """The resources of these departments in a version, each with what its source reads in place of the source's code; no other manifest is read."""
    wanted = sorted(version.parts[code] for code in departments if code in version.parts)
    found: dict[str, Resource] = {}
    for several in _chunks(wanted):
        for row in connection.execute(select(manifest.c.text, manifest.c.form).where(manifest.c.id.in_(several))):
            part = build_part(read_stored(row.text, row.form))
            found |= {code: replace(resource, source=_place(resource.source, part.sources.get(resource.source))) for code, resource in part.resources.items()}
    return found


def _place(code: str, source: SourceConfig | None) -> str:
    """Whence a source has its data: another URL or account may be another register. A source apart from manifests is known by its code."""
    return code if source is None else json.dumps([code, source.kind, source.url, source.secret, dict(source.options)], default=str, sort_keys=True)


def holders(connection: Connection, codes: Collection[str], at: datetime, past: bool = False) -> dict[str, list[Holder]]:
    """Who holds a grant on these resources, by resource, those included whose term begins later. With ``past``, who held one at the moment,
    by the steps that were recorded.

    A suspended grant gives nothing; applications that are disabled now, and administrators', hold none.
    """
    found: dict[str, list[Holder]] = {}
    people = application.join(department, department.c.code == application.c.department)
    columns = (grant, application.c.name, application.c.department)
    statement = select(*columns).select_from(grant.join(people, application.c.client_id == grant.c.application))
    statement = statement.where(application.c.active, department.c.active, (grant.c.valid_to.is_(None)) | (grant.c.valid_to > at))
    statement = statement.where(grant.c.created_at <= at, grant.c.valid_from <= at) if past else statement.where(grant.c.state == "ACTIVE")
    administrators = set(connection.execute(select(account_role.c.account).where(account_role.c.role.in_(sorted(ADMINISTRATORS)))).scalars())
    for part in _chunks(sorted(codes)):
        rows = [row for row in connection.execute(statement.where(grant.c.resource.in_(part)).order_by(grant.c.id)) if row.application not in administrators]
        histories = steps_of(connection, [row.id for row in rows]) if past and rows else {}
        for row in rows:
            if not past or _gave(histories[row.id], at):
                viewer = Viewer(Kind.APPLICATION.value, row.name, row.department)
                found.setdefault(row.resource, []).append(Holder(viewer, read_terms(row.id, row.resource, row.terms, row.approver)))
    return found


def granted_between(connection: Connection, first: datetime, last: datetime) -> set[str]:
    """Resources whose grants may have begun, paused or ended between two moments: those of which a grant was alive in between."""
    alive = (grant.c.created_at <= last) & ((grant.c.ended_at.is_(None)) | (grant.c.ended_at >= first))
    return set(connection.execute(select(grant.c.resource).where(alive).distinct()).scalars())


def _gave(steps: Sequence[Step], at: datetime) -> bool:
    gives = False
    for step in steps:
        if step.at > at:
            break
        if step.step in _ENDS:
            return False
        gives = step.step != "suspend" if step.step in _TURNS else gives
    return gives


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
