"""The index in buckets gives the same answers whatever has become of entries and rows: archived, rebuilt, by two at once."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import delete, event, insert, literal, select

from hub.ledger import tables
from hub.ledger.service import LedgerService
from hub.tracing import buckets, index
from hub.tracing.index import Indexer, position
from hub.tracing.records import WIDTH
from hub.tracing.search import Bounds, trail
from tests.tracing.stored import enter, levels, stored, written
from tests.tracing.test_records import crafted

pytestmark = pytest.mark.slow


def check(service: LedgerService, expected: dict[bytes, set[int]], archived: set[int], draw: Random) -> None:
    with service.engine.connect() as connection:
        for wanted, seqs in expected.items():
            before = draw.choice((None, draw.randrange(1, 200)))
            below = {seq for seq in seqs if before is None or seq < before}
            told = trail(connection, [wanted.hex()], Bounds(before=before), 1000)
            assert [each.entry.seq for each in told.found] == sorted(below - archived, reverse=True)
            assert told.archived == tuple(sorted(below & archived, reverse=True))
        several = draw.sample(sorted(expected), 3)
        told = trail(connection, [each.hex() for each in several], Bounds(), 1000)
        assert {each.entry.seq for each in told.found} | {*told.archived} == set().union(*(expected[each] for each in several))


@pytest.mark.parametrize("seed", range(3))
def test_any_history_answers_as_a_look_at_every_entry_does(service: LedgerService, seed: int) -> None:
    """Entries, steps of two indexers, archives and rebuilds by turns, over hashes that stand across the borders of others' records."""
    draw = Random(seed)
    hashes = crafted(draw, range(200)) + [draw.randbytes(16) for _ in range(10)]
    expected: dict[bytes, set[int]] = {each: set() for each in hashes}
    archived: set[int] = set()
    both, count = (Indexer(service.engine), Indexer(service.engine)), 0
    sizes: dict[str, Any] = {"SPREAD": 40 * WIDTH, "FILLED": 5 * WIDTH, "ENOUGH": 30 * WIDTH, "FEW": 2, "BUCKETS": 3, "CLEARED": 20}
    with patch.multiple(buckets, **sizes), patch.object(index, "STEP", 7):
        for _ in range(40):
            made = [draw.sample(hashes, draw.randrange(1, 6)) for _ in range(draw.randrange(6))]
            enter(service, *made)
            for seq, named in enumerate(made, count):
                for each in named:
                    expected[each].add(seq)
            count += len(made)
            for _ in range(draw.randrange(4)):
                draw.choice(both).step()
            if draw.random() < 0.1:
                archived |= prune(service, draw)
            if draw.random() < 0.1:
                assert draw.choice(both).rebuild() == count
            check(service, expected, archived, draw)
        both[0].catch_up()
        assert buckets.LONG in levels(service.engine)
        with service.engine.connect() as connection:
            assert stored(connection) == sorted((each, seq) for each, seqs in expected.items() for seq in seqs)


def prune(service: LedgerService, draw: Random) -> set[int]:
    """Takes entries out of the log, of those that are indexed, as the archive does: their leaves stay, and some acts among them."""
    entry = tables.entry.c
    with service.engine.begin() as connection:
        gone = [seq for seq in range((position(connection) - 1) // draw.choice((1, 2))) if draw.random() < 0.8]
        leaves = select(literal(0), entry.seq, entry.leaf).where(entry.seq.in_(gone))
        connection.execute(insert(tables.node).from_select(["level", "idx", "hash"], leaves))
        connection.execute(delete(tables.entry).where(entry.seq.in_(gone)))
    return set(gone)


def test_a_rebuild_goes_in_small_transactions_and_keeps_what_is_archived(service: LedgerService) -> None:
    draw = Random(9)
    lists = [[draw.randbytes(16) for _ in range(40)] for _ in range(30)]
    enter(service, *lists)
    with patch.multiple(buckets, SPREAD=600 * WIDTH, CLEARED=100), patch.object(index, "STEP", 10):
        Indexer(service.engine).catch_up()
        with service.engine.begin() as connection:
            connection.execute(delete(tables.entry).where(tables.entry.c.seq < 12, tables.entry.c.seq != 3))
        commits: list[int] = []
        with written(service.engine) as told:
            event.listen(service.engine, "commit", lambda _: commits.append(len(told.statements)))
            assert Indexer(service.engine).rebuild() == 30
    rows = [after - before for before, after in pairwise(commits)]
    assert max(rows) <= buckets._ROWS + 3
    with service.engine.connect() as connection:
        assert stored(connection) == sorted((each, seq) for seq, hashes in enumerate(lists) for each in hashes)


@pytest.mark.parametrize("done", [1, 3, 4, 6])
def test_two_rebuilds_at_once_make_one_index(service: LedgerService, done: int) -> None:
    """The second one comes when the first one has done so many parts, and is ready before the next."""
    draw = Random(4)
    lists = [[draw.randbytes(16) for _ in range(5)] for _ in range(20)]
    enter(service, *lists)
    first, second, part, parts = Indexer(service.engine), Indexer(service.engine), Indexer._rebuilding, 0

    def overtaken(*given: Any) -> int | None:
        nonlocal parts
        parts += 1
        if parts == done + 1:
            assert second.rebuild() == 20
        return part(*given)

    with patch.multiple(buckets, SPREAD=30 * WIDTH, CLEARED=10, _ROWS=2), patch.object(index, "STEP", 3):
        first.catch_up()
        with patch.object(Indexer, "_rebuilding", overtaken):
            assert first.rebuild() == 20
    assert parts > done
    with service.engine.connect() as connection:
        assert stored(connection) == sorted((each, seq) for seq, hashes in enumerate(lists) for each in hashes)


def test_what_is_archived_hides_no_earlier_entry_that_is_indexed_anew(service: LedgerService) -> None:
    """The rebuild appends to the row in which archived entries stay; a question for what is before them looks there."""
    wanted = b"\7" * 16
    enter(service, *([wanted] for _ in range(10)))
    with patch.object(buckets, "FILLED", 0):
        assert [Indexer(service.engine).step(end) for end in (5, 10)] == [5, 5]
    with service.engine.begin() as connection:
        connection.execute(delete(tables.entry).where(tables.entry.c.seq.between(5, 7)))
    assert Indexer(service.engine).rebuild() == 10
    assert levels(service.engine)[buckets.WAITING] == (1, 10 * WIDTH)
    with service.engine.connect() as connection:
        assert stored(connection) == [(wanted, seq) for seq in range(10)]
        told = trail(connection, [wanted.hex()], Bounds(before=3), 10)
    assert [each.entry.seq for each in told.found] == [2, 1, 0]
