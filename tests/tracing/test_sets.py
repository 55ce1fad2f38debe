"""Sets of subjects: sorted, distinct, whole before an entry names them, and found again."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, delete, func, select

from hub.ledger.entry import Access
from hub.store.base import metadata
from hub.store.engine import open_engine
from hub.tracing.sets import CHUNK, FEW, MOST_NAMED, MOST_TOGETHER, holds, made_set, set_aside, store_set
from hub.tracing.tables import subject_set

pytestmark = pytest.mark.fast

HASHES = sorted({Random(number).randbytes(16) for number in range(3 * CHUNK + 7)})
DIGEST = hashlib.sha256(b"".join(HASHES)).digest()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path / 'control.db'}")
    metadata.create_all(made, tables=[subject_set])
    yield made
    made.dispose()


def test_a_set_is_its_sorted_distinct_hashes(engine: Engine) -> None:
    """However they come in blocks."""
    together = b"".join(HASHES)
    store_set(engine, DIGEST, (together[:32], *HASHES[2:40], together[40 * 16 :]))
    with engine.connect() as connection:
        chunks = connection.execute(select(subject_set.c.hashes, subject_set.c.count).where(subject_set.c.digest == DIGEST).order_by(subject_set.c.first)).all()
        assert b"".join(chunk.hashes for chunk in chunks) == b"".join(HASHES)
        assert [chunk.count for chunk in chunks] == [CHUNK, CHUNK, CHUNK, len(HASHES) - 3 * CHUNK]
        assert all(holds(connection, DIGEST, each) for each in HASHES)
        others = [Random(10_000 + number).randbytes(16) for number in range(300)]
        assert not any(holds(connection, DIGEST, each) for each in (*others, bytes(16), b"\xff" * 16))
        assert not holds(connection, bytes(32), HASHES[0])


def test_a_set_that_broke_off_is_made_whole(engine: Engine) -> None:
    store_set(engine, DIGEST, HASHES)
    with engine.begin() as connection:
        connection.execute(delete(subject_set).where(subject_set.c.first > HASHES[CHUNK]))
    store_set(engine, DIGEST, HASHES)
    with engine.connect() as connection:
        assert all(holds(connection, DIGEST, each) for each in HASHES)


def access(code: str, count: int) -> Access:
    return Access(code, "a", "a.db", subjects=tuple(each.hex() for each in (HASHES * (count // len(HASHES) + 1))[:count]))


def test_calls_with_very_many_subjects_name_sets(engine: Engine) -> None:
    few, works = set_aside([access("a.b", MOST_NAMED)])
    assert (len(few[0].subjects), works) == (MOST_NAMED, [])
    kept, works = set_aside([access("a.b", MOST_NAMED + 1), access("a.c", FEW + 1)])
    assert (kept[0].subjects, len(kept[1].subjects), len(works)) == ((), FEW + 1, 1)
    assert kept[0].subject_set is not None
    assert (kept[0].subject_set.count, kept[0].subject_set.digest) == (len(HASHES), DIGEST.hex())
    with engine.begin() as connection:
        works[0](connection)
        works[0](connection)
        assert connection.execute(select(func.sum(subject_set.c.count))).scalar_one() == len(HASHES)
    every, works = set_aside([access(f"a.r{number}", MOST_NAMED) for number in range(MOST_TOGETHER // MOST_NAMED + 1)])
    assert not any(each.subjects for each in every)
    assert len(works) == len(every)


def test_a_calls_set_is_written_by_few_statements(engine: Engine) -> None:
    """One for each 64 chunks: calls wait while it is written, and each statement lets go of the interpreter's lock."""
    hashes = sorted({Random(number).randbytes(16) for number in range(64 * CHUNK + 1)})
    held, work = made_set(reversed(hashes))
    told: list[str] = []
    with engine.begin() as connection:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(told.append)
        work(connection)
        driver.set_trace_callback(None)
        rows = connection.execute(select(subject_set.c.count, subject_set.c.hashes).order_by(subject_set.c.first)).all()
    assert len([text for text in told if text.startswith("INSERT")]) == 2
    assert (held.count, held.digest) == (len(hashes), hashlib.sha256(b"".join(hashes)).hexdigest())
    assert b"".join(row.hashes for row in rows) == b"".join(hashes)
    assert [row.count for row in rows] == [CHUNK] * 64 + [1]
