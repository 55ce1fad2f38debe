"""The historian: follows the published log, counts what each application does in each hour, and has the hours judged that are open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, select, update

from hub.anomalies.counting import ApplicationHour, Entry, end_of, hour_of, is_use
from hub.anomalies.detectors import Finding, Judging
from hub.anomalies.rulebook import AnomalyRules
from hub.anomalies.store import StoredPast, forget, write_hours
from hub.anomalies.tables import position
from hub.clock import now, real_now
from hub.ledger.following import entries_between
from hub.ledger.publish import last_size
from hub.sharing.calendar_service import read_calendar
from hub.store.engine import reading
from hub.store.turns import writing
from hub.store.upsert import inserted

LEASE = timedelta(seconds=20)
"""The process that counted last goes on; another takes over when it was not heard of for so long."""
STEP = 2000
"""Entries between two writes."""
GRACE = timedelta(minutes=10)
"""An hour is over when the log's newest entry is later than its end by this much."""
NEWS = timedelta(hours=24)
"""Hours that ended longer ago are history and not judged: a log that was there before is counted at last."""
Report = Callable[[Finding], object]


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class _Overtaken(Exception):
    """Another process counted meanwhile; nothing was written."""


class Historian:
    """Counts the log of one control database. Any number of processes may have one; ``node`` tells them apart. Not for two threads at once.

    The hours that are open are held in memory. They are worth something only while the position in the database is the one that was left
    there; else they are counted again from the log, from the entry with which the oldest of them begins.
    """

    def __init__(self, engine: Engine, rules: AnomalyRules, node: str, report: Report, *, lease: timedelta = LEASE, step: int = STEP) -> None:
        self._engine = engine
        self._rules = rules
        self._node = node
        self._report = report
        self._lease = lease
        self._step = step
        self._seq = -1
        self._open: dict[str, dict[str, ApplicationHour]] = {}
        """By hour and application."""
        self._begins: dict[str, int] = {}
        """The number of an open hour's first entry."""
        self._newest: datetime | None = None
        self._pasts: dict[tuple[str, str], StoredPast] = {}
        """By application and hour."""

    def run(self, steps: int | None = None) -> int:
        """Counts what is published, in ``steps`` steps at most; how many entries. 0 where there is nothing, or another process is at it."""
        counted = 0
        with self._kept():
            if self._may_count():
                for _ in count() if steps is None else range(steps):
                    stepped = self._step_on()
                    counted += stepped
                    if not stepped:
                        break
        return counted

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except _Overtaken:
            self._forget()
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        self._seq, self._open, self._begins, self._newest, self._pasts = -1, {}, {}, None, {}

    def _may_count(self) -> bool:
        """Whether there is something to count, and nobody else is at it: a look, which writes only where this process does not go on from where it was."""
        with reading(self._engine) as connection:
            row, size = connection.execute(select(position)).first(), last_size(connection)
        if size <= (row.seq if row else 0) or (row is not None and self._is_held(row)):
            return False
        # What is counted next says that this process is there.
        return (row is not None and (row.seq, row.holder) == (self._seq, self._node)) or self._claim()

    def _is_held(self, row: Row[Any]) -> bool:
        return bool(row.holder != self._node and abs(real_now() - row.at) < self._lease)

    def _claim(self) -> bool:
        moment = real_now()
        with writing(self._engine) as connection:
            inserted(connection, position, {"id": 1, "seq": 0, "since": 0, "holder": self._node, "at": moment})
            row = connection.execute(select(position).with_for_update()).one()
            if self._is_held(row):
                return False
            connection.execute(update(position).values(holder=self._node, at=moment))
        if (row.seq, row.holder) != (self._seq, self._node):
            self._resume(row)
        return True

    def _resume(self, row: Row[Any]) -> None:
        self._forget()
        self._seq = row.since
        while self._seq < row.seq:
            with reading(self._engine) as connection:
                end = min(self._seq + self._step, row.seq)
                self._count(_entries(connection, self._seq, end))
            self._seq = end
            self._drop(self._close())
            self._stay(row.seq)
        self._seq = row.seq

    def _stay(self, seq: int) -> None:
        """Counting again may take longer than the lease: whoever took over meanwhile would begin anew as well, and be overtaken in turn."""
        with self._locked(seq) as connection:
            connection.execute(update(position).values(at=real_now()))

    def _step_on(self) -> int:
        with reading(self._engine) as connection:
            begin, end = self._seq, min(self._seq + self._step, last_size(connection))
            touched = self._count(_entries(connection, begin, end))
        if end <= begin:
            return 0
        with self._locked(begin) as connection:
            write_hours(connection, ((application, hour, self._open[hour][application]) for application, hour in sorted(touched)))
            over = self._close()
            if over:
                forget(connection, date.fromisoformat(max(over)[:10]))
            connection.execute(update(position).values(seq=end, since=min(self._begins.values(), default=end), at=real_now()))
        self._seq = end
        self._judge(sorted(touched))
        self._drop(over)
        return end - begin

    def _drop(self, over: list[str]) -> None:
        for hour in over:
            self._open.pop(hour, None)
        self._pasts = {key: past for key, past in self._pasts.items() if key[1] not in over}

    def _count(self, entries: Iterable[tuple[int, Entry]]) -> set[tuple[str, str]]:
        touched = set()
        for seq, entry in entries:
            if not is_use(entry):
                continue
            self._newest = max(self._newest or _LONG_AGO, datetime.fromisoformat(entry["at"]))
            application, hour = entry["application"], self._hour(hour_of(entry))
            self._begins.setdefault(hour, seq)
            held = self._open.setdefault(hour, {})
            counts = held.get(application)
            if counts is None:
                counts = held[application] = ApplicationHour()
            counts.add(seq, entry)
            touched.add((application, hour))
        return touched

    def _hour(self, hour: str) -> str:
        """The hour, or where it is over already, because a node's clock is behind, the oldest that is open."""
        return hour if not self._begins or hour in self._begins or hour > min(self._begins) else min(self._begins)

    def _close(self) -> list[str]:
        """Hours that are over, no longer among those that are read again."""
        over = [hour for hour in sorted(self._begins) if self._newest is not None and self._newest >= end_of(hour) + GRACE]
        for hour in over:
            del self._begins[hour]
        return over

    def _judge(self, touched: list[tuple[str, str]]) -> None:
        news = [each for each in touched if end_of(each[1]) > now() - NEWS]
        for application, hour in news:
            version = self._rules.on(date.fromisoformat(hour[:10]))
            for finding in Judging(version, application, hour, self._open[hour][application], self._past(application, hour)).findings():
                self._report(finding)

    def _past(self, application: str, hour: str) -> StoredPast:
        if (application, hour) not in self._pasts:
            with reading(self._engine) as connection:
                calendar = read_calendar(connection)
            self._pasts[application, hour] = StoredPast(self._engine, calendar, application)
        return self._pasts[application, hour]

    @contextmanager
    def _locked(self, seq: int) -> Iterator[Connection]:
        with writing(self._engine) as connection:
            row = connection.execute(select(position).with_for_update()).one()
            if (row.holder, row.seq) != (self._node, seq):
                raise _Overtaken
            yield connection


def _entries(connection: Connection, begin: int, end: int) -> Iterator[tuple[int, Entry]]:
    """One after the other: thousands that are held at once keep the collector of garbage busy."""
    return ((seq, orjson.loads(canonical)) for seq, canonical in entries_between(connection, begin, end, end - begin))
