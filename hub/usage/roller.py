"""The roller: follows the published log, writes the figures of its days, and closes a day with an entry of its own.

It holds the days that are open in memory. What it holds is worth something only while the position in the database is the one it left there;
after a crash, or when another process was at work meanwhile, open days are read from the log again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog
from anyio import to_thread
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import SQLAlchemyError

from hub.clock import real_now
from hub.ledger.append import Ledger
from hub.ledger.errors import LedgerUnavailable
from hub.ledger.publish import last_size
from hub.store.engine import reading
from hub.store.turns import writing
from hub.store.upsert import inserting
from hub.usage import tables
from hub.usage.log import anchor_draft, anchors, entries_between, entries_of_day, is_whole
from hub.usage.roll import DayRoll, Entry, Key, Row, bounds_of, day_of, digest
from hub.usage.rulebook import UsageRules
from hub.usage.store import forget_day, read_rows, state_of, write_rows

SECONDS = 30.0
"""Between two looks at the log."""
LEASE = timedelta(seconds=95)
"""The process that rolled last goes on; another takes over when it was not heard of for so long."""
_HEARD = LEASE / 4
"""Between two signs of life while days are read again."""
GRACE = timedelta(minutes=10)
"""A day is closed when the log's newest entry is later than the day's end by this much: clocks of several nodes may differ a little."""
STEP = 10_000
"""Entries between two writes."""
_AT_ONCE = 2
"""Steps after which a serving hub looks whether it is to end."""

log = structlog.get_logger(__name__)


class _Overtaken(Exception):
    """Another process wrote figures meanwhile; nothing was written."""


@dataclass(slots=True)
class _Open:
    roll: DayRoll
    written: dict[Key, Row] = field(default_factory=dict)
    revision: int = 0
    anchored: bool = False
    """Whether it was closed before."""


class Roller:
    """Rolls the log of one control database. Any number of processes may have one; ``node`` tells them apart. Not for two threads at once."""

    def __init__(self, engine: Engine, ledger: Ledger, rules: UsageRules, node: str, *, lease: timedelta = LEASE, step: int = STEP) -> None:
        self._engine = engine
        self._ledger = ledger
        self._rules = rules
        self._node = node
        self._lease = lease
        self._step = step
        self._seq = -1
        self._days: dict[date, _Open] = {}
        self._newest: datetime | None = None
        self.behind = False
        """Whether the last run ended before the log did."""

    def run(self, steps: int | None = None) -> int:
        """Rolls up what is published, in ``steps`` steps at most, and closes days that are over; how many were closed. 0 where another process is at it."""
        closed, done = 0, 0
        self.behind = False
        with self._kept():
            if self._claim():
                while self._step_on():
                    closed, done = closed + self._close_days(), done + 1
                    if done == steps:
                        self.behind = True
                        break
        return closed

    def roll_anew(self, day: date) -> bool:
        """Counts a closed day again from the log and closes it by a new entry, as when its rows were altered; whether that could be done."""
        with self._kept():
            if not self._claim(force=True) or not self._load(day):
                return False
            opened = self._days[day]
            with self._locked() as connection:
                forget_day(connection, day)
                opened.written = {}
                self._write(connection, [day], self._seq)
            return not opened.anchored or self._close(day)
        return False

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Whatever ends a step before it is written ends what memory is worth."""
        try:
            yield
        except _Overtaken:
            self._forget()
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        self._seq, self._days, self._newest = -1, {}, None

    def _claim(self, force: bool = False) -> bool:
        """Takes the position, unless somebody else was at it a short while ago; open days are loaded where memory is not worth anything."""
        moment = real_now()
        with writing(self._engine) as connection:
            row = connection.execute(select(tables.position).with_for_update()).first()
            if row is None:
                first = inserting(connection, tables.position).values(id=1, seq=0, holder=self._node, at=moment).on_conflict_do_nothing()
                connection.execute(first)
                row = connection.execute(select(tables.position).with_for_update()).one()
            if not force and row.holder != self._node and abs(moment - row.at) < self._lease:
                return False
            connection.execute(update(tables.position).values(holder=self._node, at=moment))
        if (row.seq, row.holder) != (self._seq, self._node):
            self._resume(row.seq)
        return True

    def _resume(self, seq: int) -> None:
        self._forget()
        self._seq = seq
        with reading(self._engine, patience=0) as connection:
            open_days = connection.execute(select(tables.state.c.day).where(tables.state.c.closed.is_(False))).scalars()
            for text in list(open_days):
                self._load_from(connection, date.fromisoformat(text))

    def _load(self, day: date) -> bool:
        with reading(self._engine, patience=0) as connection:
            return self._load_from(connection, day)

    def _load_from(self, connection: Connection, day: date) -> bool:
        """Makes a day open, from the entries that were counted; false where the log does not hold them any more."""
        if not is_whole(connection, day):
            log.warning("usage_day_archived", day=day.isoformat())
            return False
        known = state_of(connection, day)
        opened = _Open(DayRoll(day, self._rules.on(day)))
        for entry in self._staying(entries_of_day(connection, day, self._seq)):
            if day_of(entry) is not None:
                opened.roll.add(entry)
        anchor = anchors(connection, day).get(day)
        opened.anchored = anchor is not None
        opened.revision = max(known["revision"] if known else 0, anchor["details"]["revision"] if anchor else 0)
        opened.written = {row.key: row for row in read_rows(connection, day)}
        self._days[day] = opened
        return True

    def _staying(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """A day may take longer than the lease: whoever took over meanwhile would read it anew as well, and be overtaken in turn."""
        heard = real_now()
        for entry in entries:
            yield entry
            if abs(real_now() - heard) > _HEARD:
                heard = real_now()
                with self._locked() as connection:
                    connection.execute(update(tables.position).values(at=heard))

    def _step_on(self) -> bool:
        """Counts the next entries; whether there were any."""
        with reading(self._engine) as connection:
            end = min(self._seq + self._step, last_size(connection))
            touched = self._count(entries_between(connection, self._seq, end))
        if end <= self._seq:
            return False
        with self._locked() as connection:
            self._write(connection, touched, end)
            connection.execute(update(tables.position).values(seq=end, at=real_now()))
        self._seq = end
        return True

    def _count(self, entries: Iterable[Entry]) -> set[date]:
        touched, lost = set(), set()
        for entry in entries:
            self._newest = datetime.fromisoformat(entry["at"])
            day = day_of(entry)
            if day is None or day in lost:
                continue
            # What is loaded ends where this step begins, so nothing is counted twice.
            if day not in self._days and not self._load(day):
                lost.add(day)
                continue
            self._days[day].roll.add(entry)
            touched.add(day)
        return touched

    @contextmanager
    def _locked(self) -> Iterator[Connection]:
        """A writing transaction that holds the position, which is still where this process left it."""
        with writing(self._engine) as connection:
            _check_held(connection, self._node, self._seq)
            yield connection

    def _write(self, connection: Connection, days: Iterable[date], through: int) -> None:
        for day in days:
            opened = self._days[day]
            rows, version = opened.roll.rows(), opened.roll.version
            write_rows(connection, day, rows, opened.written)
            said = {
                "closed": False,
                "revision": opened.revision,
                "through": through,
                "rows": len(rows),
                "sha256": digest(day, version, rows),
                "rules": version.name,
                "rules_sha256": version.sha256,
                "call": None,
            }
            put = inserting(connection, tables.state).values(day=day.isoformat(), **said)
            connection.execute(put.on_conflict_do_update(index_elements=[tables.state.c.day], set_=said))
            opened.written = {row.key: row for row in rows}

    def _close_days(self) -> int:
        over = [day for day in sorted(self._days) if self._newest is not None and self._newest >= bounds_of(day)[1] + GRACE]
        return sum(self._close(day) for day in over)

    def _close(self, day: date) -> bool:
        """Closes a day; its digest becomes an entry of the log in the same transaction."""
        opened = self._days[day]
        rows, version = opened.roll.rows(), opened.roll.version
        sha256, revision = digest(day, version, rows), opened.revision + 1
        draft = anchor_draft(day, version, len(rows), sha256, revision, self._seq)

        def work(connection: Connection) -> None:
            _check_held(connection, self._node, self._seq)
            where = (tables.state.c.day == day.isoformat()) & tables.state.c.closed.is_(False) & (tables.state.c.sha256 == sha256)
            put = update(tables.state).where(where).values(closed=True, revision=revision, through=self._seq, call=draft.call)
            if connection.execute(put).rowcount != 1:
                raise _Overtaken

        self._ledger.append_sync(draft, work)
        del self._days[day]
        return True


def _check_held(connection: Connection, node: str, seq: int) -> None:
    row = connection.execute(select(tables.position).with_for_update()).one()
    if (row.holder, row.seq) != (node, seq):
        raise _Overtaken


async def rolling(roller: Roller) -> None:
    """Rolls until cancelled, a few steps at a time, so that an end need not wait for a long log. Whatever fails is reported and tried again."""
    while True:
        try:
            await to_thread.run_sync(roller.run, _AT_ONCE)
        except (SQLAlchemyError, LedgerUnavailable) as fault:
            log.warning("usage_not_rolled", fault=type(fault).__name__)
        await asyncio.sleep(0 if roller.behind else SECONDS)
