"""A hub of its own that verifies a batch, and is killed and begun again: ``python -m tests.exchange.verifying.killed DIRECTORY``.

The first run makes the world and starts the job. Each run is a process, forked of one that has loaded everything: at its place, when it comes by
for the given time, it ends as by ``kill -9``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio

from hub.core import open_core
from hub.exchange.verifying.files import Writing
from hub.exchange.verifying.outcomes import OutcomeLog
from hub.settings import Settings
from tests.exchange.verifying.world import NAMES, Batches, batches_in, person, table
from tests.verification.world import World, running

APP = "killed"
ROWS = 1230
TRAPS = (("written", 3), ("entering", 2), ("entered", 4), ("finishing", 1), ("placed", 1))


def killing(whole: Callable[..., Any], count: int, behind: bool) -> Callable[..., Any]:
    """The function, which is the process's last the given time that it is called, before or behind its work."""
    calls = 0

    def called(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count and not behind:
            os.kill(os.getpid(), signal.SIGKILL)
        made = whole(*given)
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    return called


def set_trap(where: str, count: int) -> None:
    """Where it ends: behind outcomes that are written and not entered, within the entry's transaction, behind it, before the file and behind it."""
    kept: Callable[..., None] = OutcomeLog.keep
    if where == "written":
        OutcomeLog.write = killing(OutcomeLog.write, count, True)  # type: ignore[method-assign]
    elif where == "entering":
        OutcomeLog.keep = killing(kept, count, True)  # type: ignore[method-assign]
    elif where == "entered":
        OutcomeLog.kept = killing(OutcomeLog.kept, count, False)  # type: ignore[method-assign]
    else:
        Writing.finish = killing(Writing.finish, count, where == "placed")  # type: ignore[method-assign]


def rows() -> list[tuple[str, str]]:
    """What is verified."""
    return [(person(n)[1], person(n)[2] if n % 3 else "某某") for n in range(10, 10 + ROWS)]


async def main(directory: Path, where: str, count: int) -> None:
    """Runs until the trap, or until there is nothing left to do."""
    set_trap(where, count)
    if (directory / "home").exists():
        core = open_core(Settings(home=directory / "home", verification_mismatch_percent=100))
        async with running(World(core, directory)):
            await anyio.sleep(30)
    async with batches_in(directory, verification_mismatch_percent=100) as batches:
        batches.world.application(APP)
        await start(batches)
        await anyio.sleep(30)


async def start(batches: Batches) -> None:
    """The job."""
    await batches.job(APP, await batches.upload(APP, table(rows(), "id", "name")), NAMES)


def every(directory: Path) -> list[int]:
    """How each run ended: by which signal."""
    ends = []
    for where, count in TRAPS:
        run = os.fork()
        if not run:
            anyio.run(main, directory, where, count)
            os._exit(0)
        ends.append(os.WTERMSIG(os.waitpid(run, 0)[1]))
    return ends


if __name__ == "__main__":
    sys.exit(every(Path(sys.argv[1])) != [signal.SIGKILL] * len(TRAPS))
