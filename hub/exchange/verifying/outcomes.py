"""Outcomes of a job on their way: a log that only grows, whose good end stands in the control database; what lies behind that end never happened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlalchemy import Connection, Engine, and_, insert, select, update

from hub.exchange.stops import Lost
from hub.exchange.tables import exchange, exchange_chunk
from hub.store.base import now
from schema.faults import Fault
from schema.verifying import Told

REFUSED = "REFUSED"
"""Stands for the outcome of a row that was not verified; its code says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one row, in the table's order. ``claims`` are outcomes one by one, where the grant tells them."""

    call: str
    outcome: str
    code: str | None
    as_of: str | None
    claims: dict[str, str]


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the log, written by one run of the job: the first ``bytes`` of the file ``name`` are good, and hold ``rows`` rows."""

    number: int
    name: str
    rows: int
    bytes: int


class OutcomeLog:
    """The log of one run, in a segment of its own: what a server writes that has lost the job lies where nobody looks.

    Used from one thread at a time.
    """

    def __init__(self, folder: Path, engine: Engine, job: str, node: str) -> None:
        self._folder, self._engine, self._job, self._node = folder, engine, job, node
        self.before = segments(engine, job)
        """What earlier runs left."""
        self._number = max((each.number for each in self.before), default=0) + 1
        self._name = f".outcomes-{self._number}-{node}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(folder / self._name, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600)
        self._end = 0
        self.done = sum(each.rows for each in self.before)
        """Rows that are verified and entered."""

    def close(self) -> None:
        """Writes no more."""
        os.close(self._file)

    def write(self, call: str, told: Sequence[Told]) -> tuple[int, int]:
        """Puts outcomes on the disk behind the good end; how many rows there are then, and where they end. They count once ``keep`` is committed."""
        content = orjson.dumps([call, [_kept(one) for one in told]], option=orjson.OPT_APPEND_NEWLINE)
        os.ftruncate(self._file, self._end)
        left, place = memoryview(content), self._end
        while left:
            written = os.pwrite(self._file, left, place)
            left, place = left[written:], place + written
        os.fsync(self._file)
        return self.done + len(told), place

    def keep(self, connection: Connection, done: int, end: int) -> None:
        """Work for the transaction of the outcomes' ledger entry: they count, exactly once.

        Raises:
            Lost: the job is not this server's to carry on.
        """
        mine = and_(exchange.c.id == self._job, exchange.c.node == self._node, exchange.c.state == "RUNNING")
        if connection.execute(update(exchange).where(mine).values(rows_done=done)).rowcount == 0:
            raise Lost
        rows = done - sum(each.rows for each in self.before)
        same = and_(exchange_chunk.c.exchange == self._job, exchange_chunk.c.number == self._number)
        if connection.execute(update(exchange_chunk).where(same).values(rows=rows, bytes=end, done_at=now())).rowcount == 0:
            about = {"exchange": self._job, "number": self._number, "state": "DONE", "attempt": 1, "source": "", "name": self._name, "began_at": now()}
            connection.execute(insert(exchange_chunk).values(**about, rows=rows, bytes=end, done_at=now()))

    def kept(self, done: int, end: int) -> None:
        """They are committed."""
        self.done, self._end = done, end


def segments(engine: Engine, job: str) -> list[Segment]:
    """The good parts of a job's log, in order."""
    table = exchange_chunk.c
    columns = select(table.number, table.name, table.rows, table.bytes)
    with engine.connect() as connection:
        return [Segment(*row) for row in connection.execute(columns.where(table.exchange == job).order_by(table.number))]


def rows_in(folder: Path, parts: Sequence[Segment]) -> Iterator[Row]:
    """All rows of a log, in order.

    Raises:
        OSError: a part is not there, or not all of it.
    """
    for part in parts:
        with (folder / part.name).open("rb") as file:
            while file.tell() < part.bytes:
                line = file.readline()
                if not line.endswith(b"\n"):
                    raise OSError(f"{part.name} ends too soon")
                call, kept = orjson.loads(line)
                for outcome, code, as_of, claims in kept:
                    yield Row(call, outcome, code, as_of, claims)


def _kept(told: Told) -> list[object]:
    if isinstance(told, Fault):
        return [REFUSED, told.code.value, None, {}]
    claims = {name: outcome.value for name, outcome in told.claims or ()}
    return [told.outcome.value, None, told.as_of.isoformat() if told.as_of else None, claims]
