"""The supervisor of workers, over workers that only wait: how they end, and when they are replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.test_workers import alive, until

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
_PROGRAM = """
import os, signal, sys, time
from hub.cli import workers
from hub.cli.workers import Supervisor
from hub.observation import set_up_logging

set_up_logging()
workers._LOOK_SECONDS = 0.05

def tell(what):
    os.write(1, f"{{what}}\\n".encode())  # in one piece, whatever the others write

def patient(number, ready):
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(0))
    signal.signal(signal.SIGINT, lambda *_: asked.append(0))
    ready()
    tell(os.getpid())
    while len(asked) < {signals}:
        time.sleep(0.01)
    return 0

def beating(number, ready):
    ready()
    ready()  # whoever said so once only is not watched, and may be stopped as soon as it tells its number
    tell(os.getpid())
    while True:
        ready()
        time.sleep(0.01)

def broken(number, ready):
    return 3 if number else patient(number, ready)

sys.exit(Supervisor(2, {work}, lambda: tell("ready")).run())
"""


@contextmanager
def supervised(work: str = "patient", signals: int = 1) -> Iterator[subprocess.Popen[str]]:
    """A supervisor of two workers that end after so many signals, in a process group of its own."""
    program = [sys.executable, "-c", _PROGRAM.format(work=work, signals=signals)]
    process = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def said(process: subprocess.Popen[str], lines: int) -> list[str]:
    """So many lines that were told, sorted."""
    assert process.stdout
    return sorted(process.stdout.readline().strip() for _ in range(lines))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_reaches_each_worker_once(number: int) -> None:
    with supervised(signals=2) as process:
        workers = [int(line) for line in said(process, 3)[:2]]
        os.killpg(process.pid, number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        assert all(alive(worker) for worker in workers)
        os.killpg(process.pid, number)
        assert process.wait(10) == 128 + number
        assert not any(alive(worker) for worker in workers)


def test_workers_end_when_the_supervisor_is_killed() -> None:
    with supervised() as process:
        workers = [int(line) for line in said(process, 3)[:2]]
        process.kill()
        until(lambda: not any(alive(worker) for worker in workers))


def test_a_worker_that_fails_at_the_first_start_ends_all() -> None:
    with supervised("broken") as process:
        assert process.wait(10) == 3
        assert "ready" not in said(process, 2)


def test_a_worker_that_ends_is_replaced_and_the_others_go_on() -> None:
    with supervised() as process:
        first, second = said(process, 3)[:2]
        os.kill(int(first), signal.SIGKILL)
        assert said(process, 1)[0] not in (first, second)
        assert alive(int(second))
        process.terminate()
        assert process.wait(10) == 0


def test_a_worker_that_stands_still_is_ended_and_replaced_and_one_that_never_beat_is_not() -> None:
    with supervised("beating") as process:
        first, second = said(process, 3)[:2]
        os.kill(int(first), signal.SIGSTOP)
        assert said(process, 1)[0] not in (first, second)
        assert alive(int(second))
        assert not alive(int(first))
        process.terminate()
        assert process.wait(10) == 0
