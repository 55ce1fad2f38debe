"""The index of subjects: follows the log behind its publication, and is made anew from the log alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from anyio import to_thread
from sqlalchemy import ColumnElement, Connection, Delete, Engine, Table, and_, delete, exists, select, update
from sqlalchemy.exc import SQLAlchemyError

from hub.ledger import tables
from hub.ledger.batch import writing
from hub.ledger.following import entries_between
from hub.ledger.parsing import named_in
from hub.ledger.publish import last_size
from hub.ledger.storing import insert_all
from hub.store.upsert import inserted
from hub.tracing.tables import exchange_entry, indexed, set_entry, subject

STEP = 1000
"""Entries that one transaction covers at most."""
MOST_ROWS = 20_000
"""Rows of the index that one transaction writes, but for the entry with which it begins."""
_REBUILT = -1
"""Stands for the position while the index is made anew: nobody adds to what is being thrown away."""
_SECONDS = 1.0
log = structlog.get_logger(__name__)
Progress = Callable[[int, int], None]


@dataclass
class Found:
    """What entries say of subjects, sets and exchanges, as rows of the index."""

    subjects: list[tuple[bytes, int]] = field(default_factory=list)
    sets: list[tuple[bytes, int]] = field(default_factory=list)
    exchanges: list[tuple[str, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many rows."""
        return len(self.subjects) + len(self.sets) + len(self.exchanges)

    def add(self, seq: int, canonical: bytes) -> None:
        """Adds what an entry says."""
        plain = named_in(canonical)
        if plain is not None:
            self.subjects += [(bytes.fromhex(each[1:-1].decode()), seq) for each in sorted(plain)]
            return
        content = orjson.loads(canonical)
        named = {each for access in content["accesses"] for each in access["subjects"]}
        held = {access["subjectSet"]["digest"] for access in content["accesses"] if access.get("subjectSet")}
        self.subjects += [(bytes.fromhex(each), seq) for each in sorted(named)]
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

    def step(self, until: int | None = None) -> int:
        """Indexes the next entries, of those that are published or below ``until``; how many were covered, by whomever."""
        with self._engine.connect() as connection:
            begin = _stored(connection)
            if begin < 0:
                return 0
            end = last_size(connection) if until is None else until
            found, size = self._read(connection, begin, end)
        if size == begin:
            return 0
        with writing(self._engine) as connection:
            inserted(connection, indexed, {"id": 1, "size": 0})
            if connection.execute(select(indexed.c.size).with_for_update()).scalar_one() == begin:
                _write(connection, found)
                connection.execute(update(indexed).values(size=size))
        return size - begin

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
            inserted(connection, indexed, {"id": 1, "size": 0})
            connection.execute(update(indexed).values(size=_REBUILT))
        for clearing in _clearing():
            with writing(self._engine) as connection:
                connection.execute(clearing)
        with writing(self._engine) as connection:
            connection.execute(update(indexed).values(size=0))
        return self.catch_up(progress)

    async def run(self) -> None:
        """Follows the log until cancelled. What fails is reported once, and tried again."""
        failed = False
        while True:
            try:
                stepped = await to_thread.run_sync(self.step)
            except (SQLAlchemyError, ValueError, KeyError, TypeError) as fault:
                if not failed:
                    log.warning("subjects_not_indexed", fault=type(fault).__name__)
                failed, stepped = True, 0
            else:
                failed = False
            if stepped < STEP:
                await asyncio.sleep(_SECONDS)

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


def position(connection: Connection) -> int:
    """How many entries, from the first on, the index covers."""
    return max(0, _stored(connection))


def _stored(connection: Connection) -> int:
    return int(connection.execute(select(indexed.c.size)).scalar() or 0)


def _clearing() -> Iterator[Delete]:
    """Statements that each take little of the writing lock, on which all calls wait.

    What was archived and removed is not in the log any more: the index alone still says where it was, and keeps that.
    """
    yield delete(exchange_entry).where(_in_log(exchange_entry))
    yield delete(set_entry).where(_in_log(set_entry))
    for byte in range(256):
        begins = subject.c.subject >= bytes([byte])
        within = begins if byte == 255 else and_(begins, subject.c.subject < bytes([byte + 1]))
        yield delete(subject).where(within, _in_log(subject))


def _in_log(table: Table) -> ColumnElement[bool]:
    return exists().where(tables.entry.c.seq == table.c.seq)


def _write(connection: Connection, found: Found) -> None:
    for table, rows in ((subject, found.subjects), (set_entry, found.sets), (exchange_entry, found.exchanges)):
        insert_all(connection, table, rows, anew=False)
