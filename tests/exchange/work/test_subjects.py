"""Whom a chunk names, and how the files of all chunks become one set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import pyarrow
import pytest
from sqlalchemy import Engine, select

from hub.exchange import subject_sets
from hub.exchange.subject_sets import merge
from hub.exchange.work import subjects as work_subjects
from hub.exchange.work.subjects import Naming, ordered, runs_of
from hub.ledger.subjects import WIDTH
from hub.store.base import metadata
from hub.store.engine import open_engine
from hub.tracing.sets import CHUNK, holds
from hub.tracing.tables import subject_set
from tests.exchange.work.build import SUBJECTS

pytestmark = pytest.mark.fast


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path / 'control.db'}")
    metadata.create_all(made, tables=[subject_set])
    yield made
    made.dispose()


def named(path: Path, numbers: list[int], resource: str = "a.b") -> Path:
    """A chunk's file of these persons."""
    naming = Naming(path, SUBJECTS)
    for start in range(0, len(numbers), 100):
        naming.add(resource, "id", None, pyarrow.array([str(number) for number in numbers[start : start + 100]]))
    naming.finish()
    return path


def hashes(numbers: set[int]) -> list[bytes]:
    return sorted(SUBJECTS.digests("id", map(str, numbers)))


@pytest.mark.parametrize("runs", [1, 5], ids=["one run", "many runs"])
def test_chunks_that_name_the_same_persons_make_one_set(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch, runs: int) -> None:
    """With little memory: of every run only a few hashes are held at a time."""
    monkeypatch.setattr(subject_sets, "_MEMORY", 8 * 64 * WIDTH)
    dice, everybody = Random(11), list(range(4000))
    chosen = [dice.sample(everybody, 1500) for _ in range(5)]
    monkeypatch.setattr(work_subjects, "_RUN", 1500 * WIDTH // runs)
    files = [named(tmp_path / f"f{number}", numbers) for number, numbers in enumerate(chosen)]
    assert all(len(runs_of(path)) >= runs for path in files)
    asked_for = SUBJECTS.digests("id", ["4001", str(chosen[0][0])])
    found = merge(files, engine, tmp_path, {"a.b": asked_for, "a.c": asked_for[:1]})
    expected = hashes({4001, *(number for numbers in chosen for number in numbers)})
    digest = hashlib.sha256(b"".join(expected)).digest()
    assert {code: (each.count, each.digest) for code, each in found.items()} == {
        "a.b": (len(expected), digest.hex()),
        "a.c": (1, hashlib.sha256(asked_for[0]).hexdigest()),
    }
    assert sorted(path for path in tmp_path.glob("*") if not path.name.startswith("control.db")) == files
    with engine.connect() as connection:
        rows = connection.execute(select(subject_set).where(subject_set.c.digest == digest).order_by(subject_set.c.first)).all()
        assert all(holds(connection, digest, each) for each in expected[:: len(expected) // 50])
    assert b"".join(row.hashes for row in rows) == b"".join(expected)
    assert [row._mapping["count"] for row in rows] == [CHUNK] * (len(expected) // CHUNK) + [len(expected) % CHUNK]
    assert [(row.first, row.last) for row in rows] == [(row.hashes[:WIDTH], row.hashes[-WIDTH:]) for row in rows]


def test_however_many_chunks_there_are_blocks_are_as_large_as_they_may_be(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks, each = 20, 500
    files = [named(tmp_path / f"f{number}", list(range(number * each, (number + 1) * each))) for number in range(chunks)]
    sizes: list[int] = []

    def counted(block: bytes) -> memoryview:
        sizes.append(len(block) // WIDTH)
        return ordered(block)

    monkeypatch.setattr(subject_sets, "_MEMORY", chunks * 64 * WIDTH)
    monkeypatch.setattr(subject_sets, "ordered", counted)
    assert merge(files, engine, tmp_path)["a.b"].count == sum(sizes) == chunks * each
    assert max(sizes) <= chunks * 64
    assert len(sizes) <= 2 * chunks * each / (chunks * 64), "not as many times more as there are chunks"


def test_a_set_that_is_known_already_stays(tmp_path: Path, engine: Engine) -> None:
    path = named(tmp_path / "f", [1, 2, 3])
    first = merge([path], engine, tmp_path)
    assert merge([path, path], engine, tmp_path) == first
    with engine.connect() as connection:
        assert len(connection.execute(select(subject_set)).all()) == 1


def test_a_hub_that_takes_over_what_another_one_is_at_disturbs_nobody(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that stands still while it merges is thought dead; the other merges in the same folder, and then the first goes on."""
    path, store = named(tmp_path / "f", list(range(1000))), subject_sets.store_set
    taken: list[object] = []

    def late(engine: Engine, digest: bytes, blocks: Iterable[bytes]) -> None:
        monkeypatch.setattr(subject_sets, "store_set", store)
        taken.append(merge([path], engine, tmp_path))
        store(engine, digest, blocks)

    monkeypatch.setattr(subject_sets, "store_set", late)
    found = merge([path], engine, tmp_path)
    assert taken == [found]
    with engine.connect() as connection:
        rows = connection.execute(select(subject_set).order_by(subject_set.c.first)).all()
    assert hashlib.sha256(b"".join(row.hashes for row in rows)).hexdigest() == found["a.b"].digest


def test_nobody_is_named_by_a_null(tmp_path: Path, engine: Engine) -> None:
    naming = Naming(tmp_path / "f", SUBJECTS)
    naming.add("a.b", "id", "", pyarrow.array([None, None], pyarrow.string()))
    naming.finish()
    assert runs_of(tmp_path / "f") == []
    assert merge([tmp_path / "f"], engine, tmp_path) == {}


def test_an_identifier_is_named_in_its_canonical_form(tmp_path: Path) -> None:
    naming = Naming(tmp_path / "f", SUBJECTS)
    written = ["11010519491231002x", " 11010519491231002X", "11010519491231002X", "110105491231002"]
    for text in written:
        naming.add("a.b", "id_number", "resident_id", pyarrow.array([text]))
    naming.finish()
    assert [count for _, _, count in runs_of(tmp_path / "f")] == [1]
    assert (tmp_path / "f").read_bytes()[:WIDTH] == SUBJECTS.digests("id_number", ["11010519491231002X"])[0]


@pytest.mark.parametrize("cut", [1, 8, 20, 10_000], ids=["mark", "length", "index", "all"])
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, engine: Engine, cut: int) -> None:
    path = named(tmp_path / "f", [1, 2, 3])
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(OSError, match="not whole"):
        merge([path], engine, tmp_path)


def test_hashes_are_ordered_as_bytes() -> None:
    dice = Random(3)
    several = [dice.randbytes(WIDTH) for _ in range(200)] + [bytes(WIDTH), b"\xff" * WIDTH, bytes(15) + b"\1"]
    assert ordered(b"".join([*several, *several[::3]])) == b"".join(sorted(set(several)))
    assert ordered(b"") == b""


@pytest.mark.parametrize("alike", [0, 1, 6, 7, 8, 15])
def test_hashes_are_sorted_by_all_of_their_bytes_and_distinct(alike: int) -> None:
    drawn = Random(f"{alike}")
    values = [bytes(alike) + drawn.randbytes(WIDTH - alike) for _ in range(500)]
    assert ordered(b"".join([*values, *values[:100]])) == b"".join(sorted(set(values)))
