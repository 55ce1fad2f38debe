"""Search of the log: newest or oldest first, by the narrowest index there is, never reading more at once than it is told.

What no index holds (items, purposes, operators, cases, codes, scenarios, traces) is looked for in the entries themselves, among those that an
index, a time or a range of numbers leaves. Writing the log pays for no index of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from hub.ledger import tables
from hub.ledger.entry import Entry
from hub.ledger.hours import between
from hub.ledger.matching import CallFilter, matches, needles
from hub.ledger.parsing import parse

CHUNK = 1000
"""Entries looked at with one statement."""
MOST = 20_000
"""Entries that one page of an answer looks at."""
_COLUMNS = ("application", "department", "outcome", "call", "operation")


@dataclass(frozen=True, slots=True)
class Found:
    """A page. ``onward`` is the entry number behind which the search goes on; ``None`` where everything was looked at."""

    entries: list[Entry]
    onward: int | None


@dataclass(frozen=True, slots=True)
class Extent:
    """What of the log is there to be read: entries from ``first`` on, ``size`` in all."""

    first: int
    size: int


def extent(connection: Connection) -> Extent:
    """The extent at this moment; what was archived and removed lies before ``first``."""
    size = connection.execute(select(tables.head.c.size)).scalar()
    column = tables.archive.c
    first = connection.execute(select(func.max(column.first + column.count)).where(column.pruned_at.is_not(None))).scalar()
    return Extent(first or 0, size or 0)


def search(connection: Connection, which: CallFilter, first: int, behind: int | None = None, *, most: int | None = MOST, ascending: bool = False) -> Found:
    """At most ``first`` entries, newest first (or oldest, ``ascending``), those behind the entry number ``behind`` in that order.

    Looks at ``most`` entries at most, whatever it finds; ``None``: at all that there are. Raises ``ValueError`` where what is stored is not an entry.
    """
    return _Search(connection, which, ascending).page(first, behind, most)


class _Search:
    def __init__(self, connection: Connection, which: CallFilter, ascending: bool) -> None:
        self._connection = connection
        self._which = replace(which, kinds=which.kinds or ("deny", "admin")) if which.alerts else which
        self._ascending = ascending
        self._needles = needles(self._which)

    def page(self, first: int, behind: int | None, most: int | None) -> Found:
        found: list[Entry] = []
        low, high = self._bounds(behind)
        examined = 0
        while low < high:
            # The first look is no larger than the page; what is rare among many is then looked for in bulk.
            count = min(CHUNK, max(first, 32)) if examined == 0 else CHUNK
            chunk = self._chunk(low, high, count if most is None else min(count, most - examined))
            for entry in self._read(chunk):
                if matches(self._which, entry):
                    found.append(entry)
                    if len(found) == first:
                        return Found(found, entry.seq)
            if not chunk:
                break
            low, high = (chunk[-1] + 1, high) if self._ascending else (low, chunk[-1])
            examined += len(chunk)
            if most is not None and examined >= most and low < high:
                return Found(found, chunk[-1])
        return Found(found, None)

    def _bounds(self, behind: int | None) -> tuple[int, int]:
        """The numbers to be looked at, the second exclusive."""
        which, there = self._which, extent(self._connection)
        low, high = there.first, there.size
        if which.since is not None or which.until is not None:
            published = self._connection.execute(select(tables.checkpoint.c.size).order_by(tables.checkpoint.c.size.desc()).limit(1)).scalar()
            earliest, latest = between(self._connection, which.since, which.until, published or 0, there.size)
            low, high = max(low, earliest), min(high, latest)
        low = max(low, which.lowest or 0)
        high = high if which.highest is None else min(high, which.highest + 1)
        if behind is not None:
            low, high = (max(low, behind + 1), high) if self._ascending else (low, min(high, behind))
        return low, high

    def _chunk(self, low: int, high: int, count: int) -> Sequence[int]:
        """The next numbers to be looked at, in the search's order."""
        drivers = self._drivers()
        if not drivers:
            return range(low, min(high, low + count)) if self._ascending else range(high - 1, max(low, high - count) - 1, -1)
        lists = [self._connection.execute(self._next(driver, low, high, count)).scalars().all() for driver in drivers]
        return list(islice(merge(*lists, reverse=not self._ascending), count))

    def _next(self, driver: Select[tuple[int]], low: int, high: int, count: int) -> Select[tuple[int]]:
        (seq,) = driver.selected_columns
        return driver.where(seq >= low, seq < high).order_by(seq if self._ascending else seq.desc()).limit(count)

    def _drivers(self) -> list[Select[tuple[int]]]:
        """Statements that give the numbers in order, from one index each, and without one number twice; none: every number is looked at."""
        which, entry, access = self._which, tables.entry.c, tables.access.c
        if which.call is not None:
            return [select(entry.seq).where(entry.call == which.call)]
        # Whose reading it is comes first: how far a search got, and how long it took, must not tell an account or a provider of others' entries.
        if which.provider is not None:
            mine = select(access.seq).where(access.provider == which.provider).distinct()
            return [mine if which.resource is None else mine.where(access.resource == which.resource)]
        if which.application is not None:
            return [select(entry.seq).where(entry.application == which.application)]
        if which.kinds and "call" not in which.kinds:
            return [select(entry.seq).where(entry.kind == kind, tables.NO_CALL) for kind in which.kinds]
        if which.outcome not in (None, "OK"):
            return [select(entry.seq).where(entry.outcome == which.outcome, tables.NOT_OK)]
        if which.resource is not None:
            return [select(access.seq).where(access.resource == which.resource)]
        if which.department is not None:
            return [select(entry.seq).where(entry.department == which.department)]
        return []

    def _read(self, chunk: Sequence[int]) -> Iterator[Entry]:
        """The entries of a chunk that may be among those asked for."""
        if not chunk:
            return
        seq = tables.entry.c.seq
        ends = min(chunk[0], chunk[-1]), max(chunk[0], chunk[-1])
        among = seq.between(*ends) if isinstance(chunk, range) else seq.in_(chunk)
        statement = select(tables.entry.c.canonical).where(among, *self._conditions()).order_by(seq if self._ascending else seq.desc())
        for canonical in self._connection.execute(statement).scalars():
            if all(needle in canonical for needle in self._needles):
                yield parse(canonical)

    def _conditions(self) -> list[ColumnElement[bool]]:
        """What the entry's columns say already. ``matches`` asks all of it again of the entry itself."""
        which, column = self._which, tables.entry.c
        said: list[Any] = [column[name] == value for name in _COLUMNS if (value := getattr(which, name)) is not None]
        if which.kinds:
            said.append(column.kind.in_(which.kinds))
        if which.since is not None:
            said.append(column.at >= which.since)
        if which.until is not None:
            said.append(column.at < which.until)
        return said
