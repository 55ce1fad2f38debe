"""Which entries carried a subject: those of the index, of sets, and of the part of the log that is not indexed yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, select

from hub.ledger import tables
from hub.ledger.entry import Access, Entry
from hub.ledger.parsing import parse
from hub.tracing.buckets import naming
from hub.tracing.index import Found, position
from hub.tracing.records import seqs_naming
from hub.tracing.sets import holds
from hub.tracing.tables import exchange_entry, set_entry

_AT_ONCE = 200
"""Entries read by one statement."""
_SETS = '"subjectSet":{'


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which of the entries: of one resource, within a time (``since`` inclusive, ``until`` exclusive), below a number."""

    resource: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether the entry is of the time."""
        at = entry.content.at
        return not ((self.since is not None and at < self.since) or (self.until is not None and at >= self.until))


@dataclass(frozen=True, slots=True)
class Carried:
    """An entry that carried what was asked for, and by which of its accesses."""

    entry: Entry
    accesses: tuple[Access, ...]


@dataclass(frozen=True, slots=True)
class Trail:
    """What was found, newest first. ``archived``: numbers of entries that the index knows and the log no longer has."""

    found: tuple[Carried, ...]
    archived: tuple[int, ...]
    more: bool


def trail(connection: Connection, hashes: Collection[str], bounds: Bounds, first: int) -> Trail:
    """The entries that carried any of the subjects, complete up to the moment of the connection's transaction."""
    wanted = {bytes.fromhex(each) for each in hashes}
    tail = _tail(connection, (*hashes, _SETS))
    digests = _holding(connection, wanted, tail)
    numbers = naming(connection, wanted, bounds.before) | _with_sets(connection, digests)
    numbers |= {seq for subject in wanted for seq in seqs_naming(tail.subjects, subject)} | {seq for digest, seq in tail.sets if digest in digests}
    named, held = set(hashes), {digest.hex() for digest in digests}
    found: list[Carried] = []
    archived: list[int] = []
    below = sorted((seq for seq in numbers if bounds.before is None or seq < bounds.before), reverse=True)
    for seq, entry in _entries(connection, below):
        if entry is None:
            archived.append(seq)
        elif accesses := _carrying(entry, named, held, bounds):
            found.append(Carried(entry, accesses))
            if len(found) > first:
                return Trail(tuple(found[:first]), tuple(archived), True)
    return Trail(tuple(found), tuple(archived), False)


def unnamed(connection: Connection, bounds: Bounds, most: int = 200) -> tuple[int, ...]:
    """Numbers of exchanges that took rows and name nobody, newest first: entries from before sets of subjects. Whom they carried, nobody can tell."""
    entry = tables.entry.c
    which = (entry.kind == "exchange", tables.NO_CALL, entry.outcome.in_(("OK", "PARTIAL")))
    rows = connection.execution_options(yield_per=_AT_ONCE).execute(select(entry.seq, entry.canonical).where(*which).order_by(entry.seq.desc()))
    taken = (row.seq for row in rows if b'"subjectSet":{' not in row.canonical and _names_nobody(parse(row.canonical), bounds))
    return tuple(islice(taken, most))


def _names_nobody(entry: Entry, bounds: Bounds) -> bool:
    return any(access.rows and not access.subjects for access in entry.content.accesses if bounds.resource in (None, access.resource)) and bounds.takes(entry)


def entries_of(connection: Connection, exchange: str) -> list[Entry]:
    """What the log tells of an exchange: its end, its downloads, its disposal, in order."""
    numbers = set(connection.execute(select(exchange_entry.c.seq).where(exchange_entry.c.exchange == exchange)).scalars())
    numbers |= {seq for told, seq in _tail(connection, (exchange,)).exchanges if told == exchange}
    return [entry for _, entry in _entries(connection, sorted(numbers)) if entry is not None]


def _tail(connection: Connection, texts: Collection[str]) -> Found:
    """What the entries say that are not indexed yet and hold any of the texts."""
    found, entry, wanted = Found(), tables.entry.c, [text.encode() for text in texts]
    statement = select(entry.seq, entry.canonical).where(entry.seq >= position(connection)).order_by(entry.seq)
    for seq, canonical in connection.execution_options(yield_per=_AT_ONCE).execute(statement):
        if any(text in canonical for text in wanted):
            found.add(seq, canonical)
    return found


def _holding(connection: Connection, wanted: Collection[bytes], tail: Found) -> set[bytes]:
    """The sets that hold any of the subjects."""
    known = set(connection.execute(select(set_entry.c.digest).distinct()).scalars()) | {digest for digest, _ in tail.sets}
    return {digest for digest in known if any(holds(connection, digest, each) for each in wanted)}


def _with_sets(connection: Connection, digests: Collection[bytes]) -> set[int]:
    return {seq for each in digests for seq in connection.execute(select(set_entry.c.seq).where(set_entry.c.digest == each)).scalars()}


def _entries(connection: Connection, numbers: Sequence[int]) -> Iterator[tuple[int, Entry | None]]:
    entry = tables.entry.c
    for i in range(0, len(numbers), _AT_ONCE):
        some = numbers[i : i + _AT_ONCE]
        rows = {row.seq: row.canonical for row in connection.execute(select(entry.seq, entry.canonical).where(entry.seq.in_(some)))}
        yield from ((seq, parse(rows[seq]) if seq in rows else None) for seq in some)


def _carrying(entry: Entry, named: Collection[str], held: Collection[str], bounds: Bounds) -> tuple[Access, ...]:
    if not bounds.takes(entry):
        return ()
    return tuple(
        access
        for access in entry.content.accesses
        if bounds.resource in (None, access.resource)
        and (any(each in named for each in access.subjects) or (access.subject_set is not None and access.subject_set.digest in held))
    )
