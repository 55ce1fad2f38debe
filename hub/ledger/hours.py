"""Between which numbers the entries of an hour lie. Kept by the publisher, off the way of calls; exact however clocks went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, case, func, select

from hub.ledger import tables
from hub.store.upsert import inserting

Spans = Mapping[str, tuple[int, int]]
"""Hour (``2026-11-22T09``, UTC) → the smallest and the largest number of an entry dated in it."""
_INSTANT = timedelta(microseconds=1)
_SECOND = datetime.min.replace(tzinfo=UTC) + _INSTANT
"""The second moment of the calendar: before the first, which a caller may name, there is none."""


def spans(entries: Iterable[tuple[int, str]]) -> Spans:
    """The spans of entries given by number and stored moment."""
    numbers: dict[str, list[int]] = {}
    for seq, at in entries:
        numbers.setdefault(at[:13], []).append(seq)
    return {hour: (min(its), max(its)) for hour, its in numbers.items()}


def add_to(found: dict[str, tuple[int, int]], seq: int, at: str) -> None:
    """Widens the span of the entry's hour."""
    held = found.get(hour := at[:13])
    if held is None:
        found[hour] = seq, seq
    elif not held[0] <= seq <= held[1]:
        found[hour] = min(held[0], seq), max(held[1], seq)


def widen(connection: Connection, made: Spans) -> None:
    """Adds to what is stored."""
    column = tables.hour.c
    for hour, (first, last) in made.items():
        added = inserting(connection, tables.hour).values(hour=hour, first=first, last=last)
        smaller = case((column.first < added.excluded.first, column.first), else_=added.excluded.first)
        larger = case((column.last > added.excluded.last, column.last), else_=added.excluded.last)
        connection.execute(added.on_conflict_do_update(index_elements=[column.hour], set_={"first": smaller, "last": larger}))


def between(connection: Connection, since: datetime | None, until: datetime | None, published: int, size: int) -> tuple[int, int]:
    """Numbers (the second exclusive) between which all entries of ``[since, until)`` lie. What is not published yet is always among them."""
    column = tables.hour.c
    statement = select(func.min(column.first), func.max(column.last))
    if since is not None:
        statement = statement.where(column.hour >= _hour(since))
    if until is not None:
        statement = statement.where(column.hour <= _hour(max(until, _SECOND) - _INSTANT))
    first, last = connection.execute(statement).one()
    return (published if first is None else first), (size if size > published else 0 if last is None else last + 1)


def _hour(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="hours")[:13]
