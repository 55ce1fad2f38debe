"""Sets of subjects: too many to stand in an entry, kept beside the log under the digest that the entry names.

A set is its subjects' hashes of 16 bytes, sorted and distinct. The digest is SHA-256 over them in order, one behind the other.
"""

from __future__ import annotations

import hashlib
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from hub.ledger.batch import Work, writing
from hub.ledger.entry import Access, SubjectSet
from hub.store.upsert import inserting
from hub.tracing.tables import subject_set

WIDTH = 16
CHUNK = 256
"""Hashes in one row. Part of the format: a set is cut at the same places for ever, so that two writers of one set write the same rows."""
_ROWS = 500
"""Chunks in one transaction: others write in between."""
MOST_NAMED = 1000
"""Subjects that an access of a call names itself; with more, it names their set."""
MOST_TOGETHER, FEW = 20_000, 100
"""With more than so many in all its accesses, a call's entry names no more than a few in each."""
_CACHE_KIB = 16 * 1024
_FAULT = "the subjects of an exchange could not be kept"


class Gathered:
    """Hashes of an exchange by resource, on the way to their sets: sorted and made distinct in a file, with 16 MiB of memory however many they are.

    The file takes some 25 bytes a subject and is gone when it is closed. Used from one thread at a time, whichever it is.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._path = path
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._run(f"PRAGMA cache_size=-{_CACHE_KIB}")
        # What a crash leaves is thrown away: the job begins anew.
        for pragma in ("journal_mode=OFF", "synchronous=OFF"):
            self._run(f"PRAGMA {pragma}")
        self._run("CREATE TABLE gathered (resource TEXT, hash BLOB, PRIMARY KEY (resource, hash)) WITHOUT ROWID")
        # Never committed: pages leave the memory where it is full, and not after every row.
        self._run("BEGIN")

    def add(self, resource: str, hashes: Iterable[bytes]) -> None:
        """Adds subjects of a resource, of which some may be known already."""
        try:
            self._file.executemany("INSERT OR IGNORE INTO gathered VALUES (?, ?)", ((resource, each) for each in hashes))
        except sqlite3.Error as fault:
            raise OSError(_FAULT) from fault

    def sets(self, engine: Engine) -> dict[str, SubjectSet]:
        """Writes the set of each resource; when this returns they are durable, and entries may name them."""
        resources = [str(resource) for (resource,) in self._run("SELECT DISTINCT resource FROM gathered ORDER BY resource")]
        return {resource: self._written(engine, resource) for resource in resources}

    def _written(self, engine: Engine, resource: str) -> SubjectSet:
        digest, count = hashlib.sha256(), 0
        for each in self._of(resource):
            digest.update(each)
            count += 1
        chunks = _chunks(digest.digest(), self._of(resource))
        while rows := list(islice(chunks, _ROWS)):
            with writing(engine) as connection:
                _insert(connection, rows)
        return SubjectSet(count, digest.hexdigest())

    def _of(self, resource: str) -> Iterator[bytes]:
        return (each for (each,) in self._run("SELECT hash FROM gathered WHERE resource = ? ORDER BY hash", resource))

    def _run(self, statement: str, *values: str) -> sqlite3.Cursor:
        try:
            return self._file.execute(statement, values)
        except sqlite3.Error as fault:
            raise OSError(_FAULT) from fault

    def close(self) -> None:
        """Leaves nothing behind."""
        with suppress(sqlite3.Error):
            self._file.close()
        self._path.unlink(missing_ok=True)


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


def holds(connection: Connection, digest: bytes, subject: bytes) -> bool:
    """Whether a set has this subject."""
    chunk = subject_set.c
    statement = select(chunk.last, chunk.hashes).where(chunk.digest == digest, chunk.first <= subject).order_by(chunk.first.desc()).limit(1)
    row = connection.execute(statement).one_or_none()
    if row is None or row.last < subject:
        return False
    place = bisect_left(range(len(row.hashes) // WIDTH), subject, key=lambda i: row.hashes[i * WIDTH : (i + 1) * WIDTH])
    return bool(row.hashes[place * WIDTH : (place + 1) * WIDTH] == subject)


def _chunks(digest: bytes, hashes: Iterable[bytes]) -> Iterator[dict[str, object]]:
    left = iter(hashes)
    while chunk := list(islice(left, CHUNK)):
        yield {"digest": digest, "first": chunk[0], "last": chunk[-1], "count": len(chunk), "hashes": b"".join(chunk)}


def _insert(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    connection.execute(inserting(connection, subject_set).on_conflict_do_nothing(), list(rows))


def _writer(digest: bytes, hashes: Sequence[bytes]) -> Work:
    return lambda connection: _insert(connection, list(_chunks(digest, hashes)))
