"""追溯: the audit administrator's questions. Each is an act with its own entry, which holds the keyed hash of what was asked for and never the value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from sqlalchemy import Connection, Engine, select

from hub.acts import Actor, Acts
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import AUDIT
from hub.ledger import tables
from hub.ledger.entry import Json
from hub.ledger.subjects import Subjects
from hub.store.engine import reading
from hub.tracing.copies import Copy, copy_of, exchange_in
from hub.tracing.kinds import Wanted, wanted_record, wanted_subject
from hub.tracing.lives import Life, life_of
from hub.tracing.search import Bounds, Carried, Trail, trail, unnamed
from schema.model import Snapshot

MOST = 1000
"""Entries of one page."""
_WORD = re.compile(r"[a-z][a-z0-9_]{0,59}(\.[a-z][a-z0-9_]{0,59})?\Z")
"""What may be a code or a number of the hub's. The log does not repeat what is none: somebody may have put a person's number in the wrong place."""
_PATIENCE_MS = 120_000


@dataclass(frozen=True, slots=True)
class Traced:
    """The answer to a question. ``asked``: resources whose sources were asked for the stable keys; ``unanswered``: those that did not answer in full;
    ``unasked``: those that were not asked, of which rows that were shown without the identifier in clear are not among the findings.
    """

    trail: Trail
    copies: dict[str, Copy]
    asked: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    unnamed: tuple[int, ...] = ()
    """Entries of exchanges that do not say whom they carried."""

    def copy(self, carried: Carried) -> Copy | None:
        """What became of the exchange that an entry is about."""
        number = exchange_in(carried.entry)
        return self.copies.get(number) if number else None


class TraceService:
    """Answers from the log and its index. Reads on the caller's thread."""

    def __init__(self, engine: Engine, acts: Acts, subjects: Subjects) -> None:
        self._engine = engine
        self._acts = acts
        self.subjects = subjects

    def ask_subject(self, actor: Actor, snapshot: Snapshot, kind: str, value: str, resource: str | None, sources: bool) -> Wanted:
        """Enters the question for a person or thing; what :meth:`answer` looks for. ``sources``: their sources are to be asked as well.

        Raises:
            Refused: by role, for an identifier that is none, or a resource of which neither catalog nor log knows.
        """
        self._check(actor, "traceSubject", kind)
        try:
            self._check_resource(snapshot, resource)
            wanted = wanted_subject(snapshot, self.subjects, kind, value)
        except Refused as refused:
            self._refuse(actor, "traceSubject", kind, *refused.problems)
        self._enter(actor, "traceSubject", wanted, {"resource": resource, "sources": sources})
        return wanted

    def ask_record(self, actor: Actor, snapshot: Snapshot, resource: str, key: str) -> Wanted:
        """Enters the question for a row by its stable key.

        Raises:
            Refused: by role, or for a key that is none.
        """
        self._check(actor, "traceRecord", resource)
        try:
            wanted = wanted_record(snapshot, self.subjects, resource, key)
        except Refused as refused:
            self._refuse(actor, "traceRecord", resource, *refused.problems)
        self._enter(actor, "traceRecord", wanted, {"resource": resource})
        return wanted

    def answer(self, wanted: Wanted, bounds: Bounds, first: int, keys: Sequence[str] = ()) -> Traced:
        """Who took what was asked for; ``keys`` are further hashes of the same person, of stable keys that sources told."""
        with reading(self._engine, _PATIENCE_MS) as connection:
            found = trail(connection, (*wanted.hashes, *keys), bounds, min(first, MOST))
            return Traced(found, _copies(connection, found.found), unasked=_places(wanted, bounds.resource), unnamed=unnamed(connection, bounds))

    def life(self, actor: Actor, number: str, first: int, before: int | None = None) -> Life:
        """From an access request or grant to what came of it.

        Raises:
            Refused: by role, or there is no such request or grant.
        """
        self._check(actor, "traceGrant", number)
        self._acts.do(actor, "traceGrant", _word(number), lambda _: None)
        with reading(self._engine, _PATIENCE_MS) as connection:
            found = life_of(connection, number, min(first, MOST), before)
            if found is None:
                problem = Problem("NOT_FOUND", f"没有申请或授权 no request or grant {number[:60]}", "huitong grant list, huitong request list", "id")
                raise Refused(problem)
            return replace(found, copies=_copies(connection, found.calls))

    def _check(self, actor: Actor, act: str, target: str) -> None:
        if not actor.may(AUDIT):
            self._refuse(actor, act, target, Problem("FORBIDDEN", f"需要权限 needs {AUDIT}", "", "input"))

    def _check_resource(self, snapshot: Snapshot, code: str | None) -> None:
        """What is misspelled would answer that nobody took anything."""
        if code is None or code in snapshot.resources:
            return
        with self._engine.connect() as connection:
            known = connection.execute(select(tables.access.c.seq).where(tables.access.c.resource == code).limit(1)).first()
        if known is None:
            message = f"目录与日志中均无资源 neither catalog nor log has the resource {code[:120]}"
            raise Refused(Problem("NOT_FOUND", message, "部门代码.资源代码 department.resource", "resource"))

    def _refuse(self, actor: Actor, act: str, target: str, *problems: Problem) -> NoReturn:
        self._acts.refuse(actor, act, _word(target), problems[0])
        raise Refused(*problems)

    def _enter(self, actor: Actor, act: str, wanted: Wanted, details: dict[str, Json]) -> None:
        self._acts.do(actor, act, wanted.kind, lambda _: None, {"subject": wanted.hashes[0], **details})


def _word(text: str) -> str:
    return text if _WORD.match(text) else "?"


def _places(wanted: Wanted, resource: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.code for each, _ in wanted.places if resource in (None, each.code)))


def _copies(connection: Connection, found: Sequence[Carried]) -> dict[str, Copy]:
    numbers = dict.fromkeys(number for carried in found if (number := exchange_in(carried.entry)))
    return {number: copy for number in numbers if (copy := copy_of(connection, number)) is not None}
