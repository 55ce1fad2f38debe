"""Administrative acts: done by a named actor, committed together with their ledger entry, refused acts written as well."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError

from hub.catalog.problems import Problem, Refused
from hub.catalog.tables import revision
from hub.ledger.append import Ledger
from hub.ledger.entry import EntryDraft, Json
from hub.names import CLI as CLI
from hub.names import as_written
from hub.randomness import random_hex
from hub.store import plain
from hub.store.engine import be_patient
from hub.store.upsert import inserting

T = TypeVar("T")
_REVISIONS = f"SELECT name, value FROM {revision.name}"  # noqa: S608 - the table's own name
_NOT_STORABLE = Problem(
    "BAD_INPUT",
    "含有控制库不能保存的值 a value cannot be kept in the control database (the character U+0000, or a number too large)",
    "请更正输入 correct the input",
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an application with its governance scopes, or a person at the command line."""

    name: str
    department: str | None = None
    scopes: frozenset[str] = frozenset()
    operator: str | None = None
    application: str | None = None

    def is_called(self, done_by: object) -> bool:
        """Whether who did an earlier step, as it is recorded, is this actor: at the command line (``cli:…``) and elsewhere one name is one actor."""
        return done_by is not None and as_written(str(done_by)) == as_written(self.name)

    def may(self, *scopes: str) -> bool:
        """Whether the actor holds one of the scopes."""
        return bool(self.scopes & set(scopes))


def make_id(prefix: str) -> str:
    """A new identifier: sortable by time, not to be guessed (``call_01jd…``)."""
    return f"{prefix}_{time.time_ns() // 1_000_000:011x}{random_hex()}"


class Acts:
    """Does administrative acts. ``do`` runs in a worker thread or at the command line, never on the event loop."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def do(self, actor: Actor, act: str, target: str, work: Callable[[Connection], T], details: Mapping[str, Json] | None = None) -> T:
        """Runs ``work`` in the transaction that also writes the act's entry.

        Raises:
            Refused: what ``work`` raised; nothing was changed, and the refusal has its own entry.
            LedgerUnavailable: nothing was changed.
        """
        done: list[T] = []

        def change(connection: Connection) -> None:
            done.append(work(connection))

        try:
            self._ledger.append_sync(self._draft(actor, act, target, "OK", None, details), change)
        except Refused as refused:
            self.refuse(actor, act, target, refused.problems[0])
            raise
        except DataError:
            self.refuse(actor, act, target, _NOT_STORABLE)
            raise Refused(_NOT_STORABLE) from None
        return done[0]

    def refuse(self, actor: Actor, act: str, target: str, problem: Problem) -> None:
        """Writes the entry of an act that was not done."""
        self._ledger.append_sync(self._draft(actor, act, target, "REFUSED", problem.code, {"path": problem.path}))

    @staticmethod
    def _draft(actor: Actor, act: str, target: str, outcome: str, code: str | None, details: Mapping[str, Json] | None) -> EntryDraft:
        return EntryDraft(
            kind="admin",
            call=make_id("act"),
            outcome="OK" if outcome == "OK" else "REFUSED",
            operation=act,
            application=actor.application,
            department=actor.department,
            operator=actor.operator or actor.name,
            code=code,
            details={"actor": actor.name, "act": act, "target": target[:200], **(details or {})},
        )


def bump(connection: Connection, name: str) -> None:
    """Tells other processes that something changed: ``catalog``, ``rights`` or ``revocations``."""
    first = inserting(connection, revision).values(name=name, value=1)
    connection.execute(first.on_conflict_do_update(index_elements=[revision.c.name], set_={"value": revision.c.value + 1}))


def revisions(connection: Connection) -> dict[str, int]:
    """The counters as they stand. They are looked at ten times a second: SQLAlchemy's part of the statement would cost seven times the database's."""
    be_patient(connection)
    return dict(plain.ask(connection, _REVISIONS, {}))
