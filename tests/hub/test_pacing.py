"""Work behind calls rests between its pieces, and work that somebody waits for does not."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from threading import Event

import pytest
from anyio import to_thread

from hub.ledger.following import entries_between
from hub.ledger.publish import Publisher
from hub.pacing import SLICE, Pace, calmly
from tests.ledger.build import make_draft, open_service

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


class Counted(Event):
    """Counts rests instead of taking them."""

    rests = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.rests += timeout is not None
        return self.is_set()


def piece() -> None:
    """Longer than what is done without a rest."""
    until = time.perf_counter() + 2 * SLICE
    while time.perf_counter() < until:
        continue


def work(pieces: int) -> None:
    pace = Pace()
    for _ in range(pieces):
        piece()
        pace()


def test_long_pieces_are_rested_after_each() -> None:
    ending = Counted()
    with calmly(ending):
        work(5)
    assert ending.rests == 5
    work(5)
    assert ending.rests == 5


def test_short_pieces_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.pacing.SLICE", 60.0)
    ending = Counted()
    with calmly(ending):
        pace = Pace()
        pace()
        pace()
    assert ending.rests == 0


async def test_tasks_and_their_threads_rest_and_those_of_others_do_not() -> None:
    ending = Counted()

    async def working(pieces: int) -> None:
        await to_thread.run_sync(work, pieces)

    with calmly(ending):
        behind = asyncio.create_task(working(3))
    await asyncio.gather(behind, working(4))
    assert ending.rests == 3


def test_who_reads_the_log_behind_calls_rests(tmp_path: Path) -> None:
    service = open_service(tmp_path)
    for number in range(6):
        service.ledger.append_sync(make_draft(f"c{number}"))
    ending = Counted()
    with calmly(ending), service.engine.connect() as connection:
        for _ in entries_between(connection, 0, 6, 6):
            piece()
    service.engine.dispose()
    assert ending.rests == 6


def test_who_publishes_behind_calls_rests_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = open_service(tmp_path)
    for number in range(6):
        service.ledger.append_sync(make_draft(f"c{number}"))
    monkeypatch.setattr("hub.ledger.publish.AT_ONCE", 2)
    monkeypatch.setattr("hub.pacing.SLICE", 0.0)
    publisher, ending = Publisher(service.engine, service.signer), Counted()
    with calmly(ending):
        assert publisher.publish_all() is not None
    service.engine.dispose()
    assert ending.rests == 3
