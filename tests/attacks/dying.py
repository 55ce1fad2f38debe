"""A hub that is killed, as by kill -9, at a step that was named before: in a process forked from one that has imported everything."""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.app import create_app
from hub.core import open_core
from hub.exchange.store import ExchangeStore
from hub.settings import Settings

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.attacks.dying"])
_SECONDS, _LOOK = 60.0, 0.02


@dataclass(frozen=True)
class Point:
    """Before or after a function of a module does its work; ``where`` may look at its first argument."""

    module: str
    function: str
    before: bool = False
    where: str = ""


POINTS: Mapping[str, Point] = {
    "the list is cut": Point("hub.exchange.chunks", "ChunkStore.plan", before=True),
    "chunks are planned": Point("hub.exchange.chunks", "ChunkStore.plan"),
    "a chunk is claimed": Point("hub.exchange.chunks", "ChunkStore.claim"),
    "a file is half written": Point("hub.exchange.work.sink", "Sink.write"),
    "files are on the disk": Point("hub.exchange.work.sink", "Sink.finish"),
    "the receipt is there": Point("hub.exchange.placing", "is_whole"),
    "done is about to be said": Point("hub.exchange.chunks", "ChunkStore.done", before=True),
    "done is said, no file named": Point("hub.exchange.chunks", "ChunkStore.done"),
    "one of two files is named": Point("pathlib", "Path.rename", where=".subjects"),
    "both files are named": Point("hub.exchange.placing", "put"),
    "subjects are merged": Point("hub.exchange.ending", "Ending._sets"),
    "the entry is about to be written": Point("hub.exchange.store", "ExchangeStore.finish"),
    "the entry is written, and not known": Point("hub.exchange.store", "ExchangeStore.change", before=True),
    "the entry is known": Point("hub.exchange.store", "ExchangeStore.change"),
    "the folder is tidy": Point("hub.exchange.placing", "tidy_hidden"),
}


def carried_out(home: Path, jobs: list[str], point: str | None, **settings: Any) -> int | None:
    """The exit code of a hub that goes on with the jobs until all have ended, unless it dies at the point: -9."""
    process = _FORKS.Process(target=_carry_out, args=(home, jobs, point, settings))
    process.start()
    process.join(_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        return None
    return process.exitcode


def _carry_out(home: Path, jobs: list[str], point: str | None, settings: dict[str, Any]) -> None:
    if point is not None:
        _arm(POINTS[point])
    core = open_core(Settings(home=home, **settings))
    asyncio.run(_served(core, jobs))


async def _served(core: Any, jobs: list[str]) -> None:
    hub, store = create_app(core), ExchangeStore(core.engine, "look")
    async with hub._rest.router.lifespan_context(hub._rest):
        for _ in range(int(_SECONDS / _LOOK)):
            await asyncio.sleep(_LOOK)
            if all((job := store.job(each)) and job.ended for each in jobs) and not hub.runner.jobs:
                return


def _arm(point: Point) -> None:
    owner: Any = importlib.import_module(point.module)
    *path, name = point.function.split(".")
    for each in path:
        owner = getattr(owner, each)
    setattr(owner, name, _dying(getattr(owner, name), point))


def _dying(function: Callable[..., Any], point: Point) -> Callable[..., Any]:
    def died(*args: Any, **given: Any) -> Any:
        if point.where not in str(args[0] if args else ""):
            return function(*args, **given)
        if not point.before:
            function(*args, **given)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    return died
