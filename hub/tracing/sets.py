"""Sets of subjects: too many to stand in an entry, kept beside the log under the digest that the entry names.

A set is its subjects' hashes of 16 bytes, sorted and distinct. The digest is SHA-256 over them in order, one behind the other.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from sqlalchemy import Connection, Engine, select

from hub.ledger.batch import Work
from hub.ledger.entry import Access, SubjectSet
from hub.store.turns import writing
from hub.store.upsert import inserting
from hub.tracing.tables import subject_set

WIDTH = 16
CHUNK = 256
"""Hashes in one row. Part of the format: a set is cut at the same places for ever, so that two writers of one set write the same rows."""
_ROWS = 64
"""Chunks in one transaction, 256 KiB: others write in between, and calls wait for no more."""
MOST_NAMED = 1000
"""Subjects that an access of a call names itself; with more, it names their set."""
MOST_TOGETHER, FEW = 20_000, 100
"""With more than so many in all its accesses, a call's entry names no more than a few in each."""


def most_named(counts: Iterable[int]) -> int:
    """Subjects that an access of a call names itself at most, by how many all its accesses have."""
    return MOST_NAMED if sum(counts) <= MOST_TOGETHER else FEW


def set_aside(accesses: Sequence[Access]) -> tuple[tuple[Access, ...], list[Work]]:
    """A call's accesses, those with too many subjects naming a set instead; and what writes these sets in the entry's own transaction."""
    most = most_named(len(access.subjects) for access in accesses)
    if all(len(access.subjects) <= most for access in accesses):
        return tuple(accesses), []
    made: list[Access] = []
    works: list[Work] = []
    for access in accesses:
        if len(access.subjects) > most:
            held, work = made_set([bytes.fromhex(each) for each in access.subjects])
            works.append(work)
            access = replace(access, subjects=(), subject_set=held)
        made.append(access)
    return tuple(made), works


def made_set(hashes: Iterable[bytes]) -> tuple[SubjectSet, Work]:
    """The set of these hashes, and what writes it."""
    distinct = sorted(set(hashes))
    digest = hashlib.sha256(b"".join(distinct)).digest()
    return SubjectSet(len(distinct), digest.hex()), _writer(digest, distinct)


def store_set(engine: Engine, digest: bytes, blocks: Iterable[bytes]) -> None:
    """Writes a set: its hashes in order, as many in a block as there may be. It is durable when this returns."""
    chunks = _cut(digest, blocks)
    while rows := list(islice(chunks, _ROWS)):
        with writing(engine) as connection:
            _insert(connection, rows)


def holds(connection: Connection, digest: bytes, subject: bytes) -> bool:
    """Whether a set has this subject."""
    chunk = subject_set.c
    statement = select(chunk.last, chunk.hashes).where(chunk.digest == digest, chunk.first <= subject).order_by(chunk.first.desc()).limit(1)
    row = connection.execute(statement).one_or_none()
    if row is None or row.last < subject:
        return False
    place = bisect_left(range(len(row.hashes) // WIDTH), subject, key=lambda i: row.hashes[i * WIDTH : (i + 1) * WIDTH])
    return bool(row.hashes[place * WIDTH : (place + 1) * WIDTH] == subject)


def _cut(digest: bytes, blocks: Iterable[bytes]) -> Iterator[dict[str, object]]:
    size, held = CHUNK * WIDTH, bytearray()
    for block in blocks:
        held += block
        whole = len(held) // size * size
        yield from (_row(digest, bytes(held[i : i + size])) for i in range(0, whole, size))
        del held[:whole]
    if held:
        yield _row(digest, bytes(held))


def _row(digest: bytes, hashes: bytes) -> dict[str, object]:
    return {"digest": digest, "first": hashes[:WIDTH], "last": hashes[-WIDTH:], "count": len(hashes) // WIDTH, "hashes": hashes}


def _insert(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    connection.execute(inserting(connection, subject_set).on_conflict_do_nothing(), list(rows))


def _writer(digest: bytes, hashes: Sequence[bytes]) -> Work:
    return lambda connection: _insert(connection, list(_cut(digest, hashes)))
