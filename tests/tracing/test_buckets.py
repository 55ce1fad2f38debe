"""The index in buckets: what a step writes, and what is written again later."""

from __future__ import annotations

from random import Random
from unittest.mock import patch

import pytest

from hub.ledger.service import LedgerService
from hub.tracing import buckets, index
from hub.tracing.index import Indexer
from hub.tracing.records import WIDTH, records_of
from tests.tracing.stored import enter, levels, stored, written

pytestmark = pytest.mark.slow


def test_a_step_writes_one_row_and_many_steps_few(service: LedgerService) -> None:
    """However many subjects: until 65,536 wait, nothing is looked at but the newest row."""
    draw = Random(1)
    lists = [[draw.randbytes(16) for _ in range(60)] for _ in range(12)]
    enter(service, *lists)
    for end in range(3, 13, 3):
        with written(service.engine) as told:
            assert Indexer(service.engine).step(end) == 3
        assert (told.statements, told.rows) == (["INSERT" if end in (3, 9) else "UPDATE"], 1)
        assert told.bytes <= buckets.FILLED + 180 * WIDTH
    assert levels(service.engine) == {buckets.WAITING: (2, 720 * WIDTH)}
    with service.engine.connect() as connection:
        assert stored(connection) == sorted((each, seq) for seq, hashes in enumerate(lists) for each in hashes)


def test_what_waits_is_spread_by_one_step(service: LedgerService) -> None:
    """A row for each bucket that has any, and what waited is deleted by one statement."""
    draw = Random(2)
    enter(service, *([draw.randbytes(16) for _ in range(500)] for _ in range(4)))
    with patch.object(buckets, "SPREAD", 1500 * WIDTH):
        assert Indexer(service.engine).step(2) == 2
        with written(service.engine) as told:
            assert Indexer(service.engine).step() == 2
    assert told.statements == ["DELETE", "INSERT"]
    assert (told.rows, told.bytes) == (256, 2000 * WIDTH)
    assert levels(service.engine) == {buckets.SHORT: (256, 2000 * WIDTH)}


def test_each_record_is_written_three_times_however_long_it_goes_on(service: LedgerService) -> None:
    """As it comes, in its bucket, and joined; rows stay few, and one transaction joins 16 buckets."""
    draw, steps, at_once = Random(3), 60, 4096
    engine, joined = service.engine, []
    with patch.object(buckets, "ENOUGH", 4096), written(engine) as told:
        for step in range(steps):
            with engine.begin() as connection:
                records = b"".join(records_of([draw.randbytes(16)], step) for _ in range(at_once))
                assert buckets.spread(connection, buckets.gather(connection, records))
                joined.append(buckets.join(connection))
    whole = steps * at_once * WIDTH
    assert told.bytes == whole + sum(joined)
    assert sum(joined) <= whole
    # Sixteen buckets of a row a step, each of 16 records on average.
    assert max(joined) <= 2.5 * buckets.BUCKETS * buckets.BUCKETS * 16 * WIDTH
    assert joined[: buckets.FEW - 1] == [0] * (buckets.FEW - 1)
    assert all(joined[buckets.FEW :])
    short, long = levels(engine)[buckets.SHORT], levels(engine)[buckets.LONG]
    assert short[1] + long[1] == whole
    assert short[0] <= 256 * (buckets.FEW + buckets.BUCKETS)
    assert long[1] / long[0] > 10 * 16 * WIDTH


def test_one_subject_of_all_calls_makes_one_long_row(service: LedgerService) -> None:
    """No row becomes longer than what waits at most and a step."""
    with service.engine.begin() as connection:
        for step in range(buckets.FEW + 1):
            records = records_of([b"\7" * 16], step) * (buckets.ENOUGH // WIDTH + 1)
            assert buckets.spread(connection, buckets.gather(connection, records))
            assert buckets.join(connection) == 0
    assert levels(service.engine)[buckets.LONG][0] == buckets.FEW + 1


def test_what_was_gathered_before_another_process_wrote_is_not_spread(service: LedgerService) -> None:
    with service.engine.begin() as connection:
        buckets.append(connection, records_of([b"\1" * 16], 1))
        gathered = buckets.gather(connection, b"")
        with patch.object(buckets, "FILLED", 0):
            buckets.append(connection, records_of([b"\2" * 16], 2))
        assert not buckets.spread(connection, gathered)
        assert stored(connection) == [(b"\1" * 16, 1), (b"\2" * 16, 2)]


def test_a_follower_does_not_rest_while_it_is_behind(service: LedgerService) -> None:
    """Few entries with very many subjects are cut by the rows."""
    draw = Random(5)
    enter(service, *([draw.randbytes(16) for _ in range(9)] for _ in range(6)))
    with patch.object(index, "MOST_ROWS", 10):
        indexer = Indexer(service.engine)
        assert [(indexer.step(), indexer.behind) for _ in range(4)] == [(2, True), (2, True), (2, False), (0, False)]
