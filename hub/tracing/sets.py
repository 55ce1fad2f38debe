"""Sets of subjects: too many to stand in an entry, kept beside the log under the digest that the entry names.

A set is its subjects' hashes of 16 bytes, sorted and distinct. The digest is SHA-256 over them in order, one behind the other.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from sqlalchemy import Connection, Engine, select

from hub.ledger.batch import Work
from hub.ledger.entry import Access, SubjectSet
from hub.store import plain
from hub.store.turns import writing
from hub.tracing.tables import subject_set

WIDTH = 16
CHUNK = 256
"""Hashes in one row. Part of the format: a set is cut at the same places for ever, so that two writers of one set write the same rows."""
_BYTES = CHUNK * WIDTH
_ROWS = 64
"""Chunks in one transaction, 256 KiB: others write in between, and calls wait for no more."""
MOST_NAMED = 1000
"""Subjects that an access of a call names itself; with more, it names their set."""
MOST_TOGETHER, FEW = 20_000, 100
"""With more than so many in all its accesses, a call's entry names no more than a few in each."""
_Chunk = tuple[bytes, bytes, bytes, int, bytes]
_NAMES = ("digest", "first", "last", "count", "hashes")
"""Columns, in the order of a chunk's values."""


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
    held = b"".join(sorted(set(hashes)))
    digest = hashlib.sha256(held).digest()
    return SubjectSet(len(held) // WIDTH, digest.hex()), lambda connection: _insert(connection, [*_chunks(digest, held)])


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


def _cut(digest: bytes, blocks: Iterable[bytes]) -> Iterator[_Chunk]:
    held = bytearray()
    for block in blocks:
        held += block
        whole = len(held) // _BYTES * _BYTES
        yield from _chunks(digest, bytes(held[:whole]))
        del held[:whole]
    yield from _chunks(digest, bytes(held))


def _chunks(digest: bytes, held: bytes) -> Iterator[_Chunk]:
    for start in range(0, len(held), _BYTES):
        hashes = held[start : start + _BYTES]
        yield digest, hashes[:WIDTH], hashes[-WIDTH:], len(hashes) // WIDTH, hashes


def _insert(connection: Connection, rows: Sequence[_Chunk]) -> None:
    """Many by one statement: SQLite's driver lets go of the interpreter's lock at each."""
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        given = {f"{name}{place}": value for place, row in enumerate(some) for name, value in zip(_NAMES, row, strict=True)}
        plain.write(connection, _inserting(len(some)), [given])


@lru_cache(maxsize=_ROWS)
def _inserting(rows: int) -> str:
    values = ", ".join(f"({', '.join(f':{name}{place}' for name in _NAMES)})" for place in range(rows))
    return f"INSERT INTO {subject_set.name} ({', '.join(_NAMES)}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608 - names of the hub's own table
