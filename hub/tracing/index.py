"""The index of subjects: follows the log behind its publication, and is made anew from the log alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import orjson
import structlog
from anyio import to_thread
from sqlalchemy import Connection, Engine, Table, bindparam, delete, exists, select, update
from sqlalchemy.exc import SQLAlchemyError

from hub.ledger import tables
from hub.ledger.following import entries_between
from hub.ledger.parsing import named_in
from hub.ledger.publish import last_size
from hub.ledger.storing import insert_all
from hub.store.turns import writing
from hub.store.upsert import inserted
from hub.tracing import buckets
from hub.tracing.records import WIDTH, listed, records_of
from hub.tracing.tables import exchange_entry, indexed, set_entry

STEP = 1000
"""Entries that one transaction covers at most."""
MOST_ROWS = 65_536
"""Records and rows of the index that one transaction adds, but for its last entry's."""
_REBUILT = -1
"""Stands for the position while the index is made anew: nobody adds to what is being thrown away."""
_SECONDS = 3.0
"""Between looks at a log that is followed up to its end: a step of few entries costs little beside its statements. Questions read the rest themselves."""
log = structlog.get_logger(__name__)
Progress = Callable[[int, int], None]


@dataclass
class Found:
    """What entries say of subjects, sets and exchanges."""

    subjects: bytearray = field(default_factory=bytearray)
    """Records (:mod:`hub.tracing.records`); of a subject that several accesses of an entry name, several."""
    sets: list[tuple[bytes, int]] = field(default_factory=list)
    exchanges: list[tuple[str, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many records and rows of the index that makes."""
        return len(self.subjects) // WIDTH + len(self.sets) + len(self.exchanges)

    def add(self, seq: int, canonical: bytes) -> None:
        """Adds what an entry says."""
        plain = named_in(canonical)
        if plain is not None:
            for each in plain:
                self.subjects += listed(each, seq)
            return
        content = orjson.loads(canonical)
        named = {each for access in content["accesses"] for each in access["subjects"]}
        held = {access["subjectSet"]["digest"] for access in content["accesses"] if access.get("subjectSet")}
        self.subjects += records_of([bytes.fromhex(each) for each in sorted(named)], seq)
        self.sets += [(bytes.fromhex(each), seq) for each in sorted(held)]
        self.exchanges += [(each, seq) for each in exchanges_in(content)]


def exchanges_in(content: dict[str, Any]) -> Iterator[str]:
    """Numbers of the exchanges of which an entry tells."""
    details = content["details"] or {}
    if content["kind"] in ("exchange", "download") and isinstance(details.get("exchange"), str):
        yield details["exchange"]
    elif content["operation"] == "disposeExchange" and isinstance(details.get("target"), str):
        yield details["target"]


class Indexer:
    """Any number of processes may index one log at once: each step is one transaction, and whoever comes second sees what was done."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.behind = False
        """Whether the last step left entries to the next one."""

    def step(self, until: int | None = None) -> int:
        """Indexes the next entries, of those that are published or below ``until``; how many were covered, by whomever."""
        with self._engine.connect() as connection:
            at = _stored(connection)
            if at.size < 0:
                self.behind = False
                return 0
            end = last_size(connection) if until is None else until
            found, size = self._read(connection, at.size, end)
            self.behind = size < end
            records = bytes(found.subjects)
            gathered = buckets.gather(connection, records) if at.waiting + len(records) >= buckets.SPREAD else None
        if size == at.size:
            return 0
        with writing(self._engine) as connection:
            current = _locked(connection) == at
            if current and (gathered is None or buckets.spread(connection, gathered)):
                self._write(connection, found, Position(size, at.waiting + len(records)), gathered is None)
        if gathered is not None:
            self._join()
        return size - at.size

    def catch_up(self, progress: Progress | None = None) -> int:
        """Indexes all that is published; how many entries are covered then."""
        with self._engine.connect() as connection:
            done, total = position(connection), last_size(connection)
        while stepped := self.step():
            done += stepped
            if progress is not None:
                progress(done, max(done, total))
        return done

    def rebuild(self, progress: Progress | None = None) -> int:
        """Throws the index away and makes it anew from the log; how many entries it covers. Questions are answered meanwhile, from the log itself."""
        with writing(self._engine) as connection:
            _locked(connection)
            connection.execute(update(indexed).values(size=_REBUILT))
        for table in (exchange_entry, set_entry):
            self._rebuilding(partial(_clear_table, table))
        looked: int | None = 0
        while looked is not None:
            looked = self._rebuilding(partial(_clear_subjects, looked))
        return self.catch_up(progress)

    async def run(self) -> None:
        """Follows the log until cancelled. What fails is reported once, and tried again."""
        failed = False
        while True:
            try:
                await to_thread.run_sync(self.step)
            except (SQLAlchemyError, ValueError, KeyError, TypeError) as fault:
                if not failed:
                    log.warning("subjects_not_indexed", fault=type(fault).__name__)
                failed, self.behind = True, False
            else:
                failed = False
            if not self.behind:
                await asyncio.sleep(_SECONDS)

    def _rebuilding(self, work: Callable[[Connection], int | None]) -> int | None:
        """Does a part that takes little of the writing lock, on which all calls wait; nothing where another process has come to the end of a rebuild."""
        with writing(self._engine) as connection:
            return work(connection) if _locked(connection).size < 0 else None

    def _join(self) -> None:
        with writing(self._engine) as connection:
            if _locked(connection).size >= 0:
                buckets.join(connection)

    @staticmethod
    def _write(connection: Connection, found: Found, reached: Position, waits: bool) -> None:
        if waits:
            buckets.append(connection, bytes(found.subjects))
        insert_all(connection, set_entry, found.sets, anew=False)
        insert_all(connection, exchange_entry, found.exchanges, anew=False)
        connection.execute(_REACHED, {"to": reached.size, "left": reached.waiting if waits else 0})

    @staticmethod
    def _read(connection: Connection, begin: int, end: int) -> tuple[Found, int]:
        found, size = Found(), begin
        for seq, canonical in entries_between(connection, begin, end, STEP):
            if found.size > MOST_ROWS:
                break
            found.add(seq, canonical)
            size = seq + 1
        # Removed entries leave gaps: what is behind them is reached all the same.
        return found, size if size > begin else max(begin, end)


def _clear_table(table: Table, connection: Connection) -> None:
    connection.execute(delete(table).where(exists().where(tables.entry.c.seq == table.c.seq)))


def _clear_subjects(after: int, connection: Connection) -> int | None:
    looked = buckets.clear(connection, after)
    if looked is None:
        connection.execute(_REACHED, {"to": 0, "left": buckets.waiting(connection)})
    return looked


class Position(NamedTuple):
    """What the index has come to: entries, and bytes that are not in buckets yet."""

    size: int
    waiting: int


def position(connection: Connection) -> int:
    """How many entries, from the first on, the index covers."""
    return max(0, _stored(connection).size)


_STORED = select(indexed.c.size, indexed.c.waiting)
_LOCKED = _STORED.with_for_update()
_REACHED = update(indexed).values(size=bindparam("to"), waiting=bindparam("left"))


def _stored(connection: Connection) -> Position:
    row = connection.execute(_STORED).one_or_none()
    return Position(0, 0) if row is None else Position(*row)


def _locked(connection: Connection) -> Position:
    """The position, which stays until the transaction ends."""
    row = connection.execute(_LOCKED).one_or_none()
    if row is None:
        inserted(connection, indexed, {"id": 1, "size": 0})
        row = connection.execute(_LOCKED).one()
    return Position(*row)
