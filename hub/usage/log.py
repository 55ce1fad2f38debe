"""Reading the ledger for usage: published entries in the order of the log, and those of one day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import orjson
from sqlalchemy import Connection, func, select

from hub.acts import make_id
from hub.ledger import following, tables
from hub.ledger.entry import EntryDraft, Json
from hub.pacing import Pace
from hub.sharing.machine import SYSTEM_ACTOR
from hub.usage.roll import KINDS, Entry, bounds_of
from hub.usage.rulebook import Version

ANCHOR = "usage.day"
"""Operation of the administrative entry that states the digest of a day's rows."""
_PAGE = 2000


def entries_between(connection: Connection, first: int, end: int) -> Iterator[Entry]:
    """The entries from number ``first`` up to, not including, ``end``; read while they are taken."""
    return (orjson.loads(canonical) for _, canonical in following.entries_between(connection, first, end, end - first))


def entries_of_day(connection: Connection, day: date, end: int) -> Iterator[Entry]:
    """The usage among the entries below number ``end`` whose moment lies in a Beijing day, in the order of the log."""
    column = tables.entry.c
    begins, ends = bounds_of(day)
    statement = select(column.seq).where(column.at >= begins, column.at < ends, column.seq < end, column.kind.in_(KINDS)).order_by(column.seq)
    numbers, pace = list(connection.execute(statement).scalars()), Pace()
    for at in range(0, len(numbers), _PAGE):
        some = select(column.canonical).where(column.seq.in_(numbers[at : at + _PAGE])).order_by(column.seq)
        for canonical in connection.execute(some).scalars():
            yield orjson.loads(canonical)
            pace()


def is_whole(connection: Connection, day: date) -> bool:
    """Whether the log still holds the day's entries. Those that were archived and taken away can be counted from the archive alone."""
    archive, column = tables.archive.c, tables.entry.c
    edge = connection.execute(select(func.max(archive.first + archive.count)).where(archive.pruned_at.is_not(None))).scalar()
    if edge is None:
        return True
    first = connection.execute(select(column.at).where(column.seq >= edge).order_by(column.seq).limit(1)).scalar()
    return first is not None and first < bounds_of(day)[0]


def anchors(connection: Connection, since: date) -> dict[date, Entry]:
    """The last entry on the figures of each day from ``since`` on."""
    column = tables.entry.c
    # The words of the index of what is rare: without them SQLite reads the whole log.
    statement = select(column.canonical).where(
        tables.NO_CALL, column.kind == "admin", column.operation == ANCHOR, column.at >= bounds_of(since)[0], column.outcome == "OK"
    )
    found: dict[date, Entry] = {}
    for canonical in connection.execute(statement.order_by(column.seq)).scalars():
        entry = orjson.loads(canonical)
        found[date.fromisoformat(entry["details"]["day"])] = entry
    return found


def anchor_draft(day: date, version: Version, rows: int, sha256: str, revision: int, through: int) -> EntryDraft:
    """The entry that closes a day: ``through`` is how many entries of the log its figures rest on."""
    text = day.isoformat()
    said: dict[str, Json] = {"actor": SYSTEM_ACTOR.name, "act": ANCHOR, "target": text, "day": text, "revision": revision, "through": through}
    said |= {"rows": rows, "sha256": sha256, "rules": version.name, "rulesSha256": version.sha256}
    return EntryDraft(kind="admin", call=make_id("act"), outcome="OK", operation=ANCHOR, details=said)
