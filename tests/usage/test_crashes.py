"""Whatever ends a roller, and however many roll at once: the figures are those of the log."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from hub.usage.roll import roll
from tests.servers.postgres import Postgres
from tests.store.databases import make_database
from tests.usage.build import RULES, World, some_days, world_in

_numbers = itertools.count()


class _Crash(BaseException):
    """Ends a roller between two statements, as a kill does: its transaction is rolled back, its memory is gone."""


def agrees(world: World) -> bool:
    """Whether the stored rows are those of the log, and the audit finds them sound."""
    made = roll(world.entries(), RULES)
    checks = world.checks(min(made), max(made))
    return {day: world.rows(day) for day in made} == made and {check.state for check in checks.values()} <= {"OK", "OPEN"}


@pytest.mark.slow
def test_a_crash_between_any_two_statements_loses_and_doubles_nothing(world: World) -> None:
    world.append(*some_days(3, 2, 15))
    for left in itertools.count(1):
        if _ran_without_crash(world, left):
            break
        world.append(*some_days(left, 2, 1))
    assert left > 30
    world.roller("last", lease=timedelta(0)).run()
    assert agrees(world)


def _ran_without_crash(world: World, statements: int) -> bool:
    """Whether a new roller came to its end before so many statements; else it crashed."""
    left = iter(range(statements))

    def crash(*_: object) -> None:
        if next(left, None) is None:
            raise _Crash

    event.listen(world.engine, "before_cursor_execute", crash)
    try:
        world.roller(f"node {statements}", lease=timedelta(0)).run()
    except _Crash:
        return False
    finally:
        event.remove(world.engine, "before_cursor_execute", crash)
    return True


def rolling(home: Path, url: str, node: str) -> subprocess.Popen[str]:
    """A process that rolls, once it does."""
    made = subprocess.Popen([sys.executable, "-m", "tests.usage.rolling", str(home), url, node], stdout=subprocess.PIPE, text=True)
    assert made.stdout is not None
    assert made.stdout.readline() == "rolling\n"
    return made


@pytest.mark.slow
def test_two_processes_on_postgresql_one_of_which_is_killed(tmp_path: Path, postgres: Postgres) -> None:
    url = make_database(postgres, f"usage_{next(_numbers)}")
    with world_in(tmp_path, url) as world:
        children = [rolling(tmp_path, url, name) for name in ("a", "b")]
        try:
            for some in range(5):
                world.append(*some_days(some, 3, 12))
                time.sleep(0.3)
                if some == 2:
                    children[0].kill()
        finally:
            for child in children:
                child.kill()
                child.communicate()
        world.roller("last", lease=timedelta(0)).run()
        assert agrees(world)
