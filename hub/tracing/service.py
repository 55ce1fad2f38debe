"""追溯: the audit administrator's questions. Each is an act with its own entry, which holds the keyed hash of what was asked for and never the value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from sqlalchemy import Connection, Engine

from hub.acts import Actor, Acts
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import AUDIT
from hub.ledger.entry import Json
from hub.ledger.subjects import Subjects
from hub.store.engine import reading
from hub.tracing.copies import Copy, copy_of, exchange_in
from hub.tracing.kinds import Wanted, wanted_record, wanted_subject
from hub.tracing.lives import Life, life_of
from hub.tracing.search import Bounds, Carried, Trail, trail
from schema.model import Snapshot

MOST = 1000
"""Entries of one page."""
_PATIENCE_MS = 120_000


@dataclass(frozen=True, slots=True)
class Traced:
    """The answer to a question. ``asked``: resources whose sources were asked for the stable keys; ``unanswered``: those that did not answer."""

    trail: Trail
    copies: dict[str, Copy]
    asked: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()

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
            Refused: by role, or for an identifier that is none.
        """
        self._check(actor, "traceSubject", kind)
        try:
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
            return Traced(found, _copies(connection, found.found))

    def life(self, actor: Actor, number: str, first: int, before: int | None = None) -> Life:
        """From an access request or grant to what came of it.

        Raises:
            Refused: by role, or there is no such request or grant.
        """
        self._check(actor, "traceGrant", number)
        self._acts.do(actor, "traceGrant", number, lambda _: None)
        with reading(self._engine, _PATIENCE_MS) as connection:
            found = life_of(connection, number, min(first, MOST), before)
            if found is None:
                problem = Problem("NOT_FOUND", f"没有申请或授权 no request or grant {number[:60]}", "huitong grant list, huitong request list", "id")
                raise Refused(problem)
            return replace(found, copies=_copies(connection, found.calls))

    def _check(self, actor: Actor, act: str, target: str) -> None:
        if not actor.may(AUDIT):
            self._refuse(actor, act, target, Problem("FORBIDDEN", f"需要权限 needs {AUDIT}", "", "input"))

    def _refuse(self, actor: Actor, act: str, target: str, *problems: Problem) -> NoReturn:
        self._acts.refuse(actor, act, target, problems[0])
        raise Refused(*problems)

    def _enter(self, actor: Actor, act: str, wanted: Wanted, details: dict[str, Json]) -> None:
        self._acts.do(actor, act, wanted.kind, lambda _: None, {"subject": wanted.hashes[0], **details})


def _copies(connection: Connection, found: Sequence[Carried]) -> dict[str, Copy]:
    numbers = dict.fromkeys(number for carried in found if (number := exchange_in(carried.entry)))
    return {number: copy for number in numbers if (copy := copy_of(connection, number)) is not None}
