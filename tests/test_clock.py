"""Business time: set in tests, told by a file in the demonstration, the machine's own everywhere else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

import hub.clock
from hub.cli.app import app
from hub.clock import Clock, ClockFault, Hand, clock, real_now
from hub.settings import Settings
from hub.store.base import now
from tests.docs.reference import walk

pytestmark = pytest.mark.fast
MOMENT = datetime(2026, 2, 13, 1, 0, tzinfo=UTC)
NEARLY = timedelta(minutes=5)


def test_time_stands_where_a_test_puts_it_for_every_thread() -> None:
    with clock.at(MOMENT) as hand, ThreadPoolExecutor(1) as other:
        assert (now(), other.submit(now).result()) == (MOMENT, MOMENT)
        hand.forward(days=14)
        assert (now(), other.submit(now).result()) == (MOMENT + timedelta(days=14),) * 2
        with clock.at(MOMENT - timedelta(days=1)):
            assert now() == MOMENT - timedelta(days=1)
        assert now() == MOMENT + timedelta(days=14)
        assert abs(real_now() - datetime.now(UTC)) < NEARLY
    assert abs(now() - real_now()) < NEARLY


def test_hands_of_several_threads_are_taken_away_in_any_order() -> None:
    mine = Clock()
    first, second = mine.at(MOMENT), mine.at(MOMENT + timedelta(days=1))
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert mine.now() == MOMENT + timedelta(days=1)
    second.__exit__(None, None, None)
    assert abs(mine.now() - real_now()) < NEARLY


def test_a_moment_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        Hand(datetime(2026, 2, 13, 9, 0))  # noqa: DTZ001 - what is refused


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the monotonic clock tells: its last element."""
    told = [0.0]
    monkeypatch.setattr(hub.clock.time, "monotonic", lambda: told[-1])
    return told


@pytest.fixture
def followed(tmp_path: Path, ticks: list[float]) -> Iterator[tuple[Clock, Path]]:
    """A clock that follows a file."""
    path = tmp_path / "clock"
    path.write_text("+14d\n", encoding="utf-8")
    made = Clock()
    made.follow(path)
    yield made, path
    made.follow(None)
    assert abs(made.now() - real_now()) < NEARLY


@pytest.mark.parametrize(
    ("text", "ahead"), [("+14d", timedelta(days=14)), ("-3h", -timedelta(hours=3)), (" +90m\n", timedelta(minutes=90)), ("+0d", timedelta())]
)
def test_a_file_may_tell_how_far_ahead_it_is(tmp_path: Path, text: str, ahead: timedelta) -> None:
    path, made = tmp_path / "clock", Clock()
    path.write_text(text, encoding="utf-8")
    made.follow(path)
    assert abs(made.now() - real_now() - ahead) < NEARLY


def test_a_file_may_tell_the_moment_at_which_it_was_written(tmp_path: Path) -> None:
    """Time runs on from there."""
    path, made = tmp_path / "clock", Clock()
    path.write_text("2026-02-13T09:00:00+08:00", encoding="utf-8")
    an_hour_ago = real_now().timestamp() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))
    made.follow(path)
    assert abs(made.now() - MOMENT - timedelta(hours=1)) < NEARLY


def test_a_file_is_read_again_after_a_tenth_of_a_second_and_not_before(
    followed: tuple[Clock, Path], ticks: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, path = followed
    read: list[Path] = []
    reader = hub.clock._read
    monkeypatch.setattr(hub.clock, "_read", lambda path: read.append(path) or reader(path))
    path.write_text("+28d", encoding="utf-8")
    ticks.append(0.09)
    assert abs(made.now() - real_now() - timedelta(days=14)) < NEARLY
    ticks.append(0.1)
    assert all(abs(made.now() - real_now() - timedelta(days=28)) < NEARLY for _ in range(100))
    assert read == [path]


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-02-13T09:00:00", "+14", "+999999d", "\xff"])
def test_a_file_that_is_garbled_leaves_the_last_reading(followed: tuple[Clock, Path], ticks: list[float], text: str, caplog: pytest.LogCaptureFixture) -> None:
    made, path = followed
    path.write_bytes(text.encode("latin-1"))
    for tick in (1.0, 2.0):
        ticks.append(tick)
        assert abs(made.now() - real_now() - timedelta(days=14)) < NEARLY
    assert len([record for record in caplog.records if record.name == "hub.clock"]) == 1
    path.unlink()
    ticks.append(3.0)
    assert abs(made.now() - real_now() - timedelta(days=14)) < NEARLY


@pytest.mark.parametrize("text", ["tomorrow", "2026-02-13T09:00:00"])
def test_a_clock_does_not_start_to_follow_a_garbled_file(tmp_path: Path, text: str) -> None:
    path, made = tmp_path / "clock", Clock()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ClockFault, match=r"clock.*\+14d"):
        made.follow(path)
    with pytest.raises(ClockFault):
        made.follow(tmp_path / "nothing")
    assert abs(made.now() - real_now()) < NEARLY


def test_only_the_demonstration_takes_a_clock() -> None:
    """A production clock cannot be moved: no other command and no setting does it."""
    takes = [" ".join(path) for path, command in walk(typer.main.get_command(app), ()) if any("--clock" in option.opts for option in command.params)]
    assert takes == ["demo"]
    assert [name for name in Settings.model_fields if "clock" in name or "time" in name.split("_")] == []
