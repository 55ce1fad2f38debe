"""Runs the worker and hears what it says."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import orjson

import connectors
from connectors.files.ingest import Job
from connectors.files.options import FilesOptions

log = logging.getLogger(__name__)
_AT_ONCE = 2
_LINE = 64 << 20
_TELL_EVERY = 250_000
"""Rows between two words of progress in the log."""
_ROOT = str(Path(connectors.__file__).parents[1])


class _Turns:
    """Who may run a worker. A source with many or slow deliveries holds one of the places, not all."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(_AT_ONCE)
        self.sources: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = WeakKeyDictionary()


async def run(task: str, jobs: Sequence[Job], options: FilesOptions, what: str) -> dict[str, Any] | None:
    """The worker's answer; ``None`` where it ended without one. Cancelled, it ends the worker.

    At most two run at once, and one of each source. ``what`` is the source's code, and behind a blank the object.
    """
    turns = _TURNS.setdefault(asyncio.get_running_loop(), _Turns())
    async with turns.sources.setdefault(what.partition(" ")[0], asyncio.Lock()), turns.places:
        return await _run(task, jobs, options, what)


async def _run(task: str, jobs: Sequence[Job], options: FilesOptions, what: str) -> dict[str, Any] | None:
    asked = {"task": task, "max_rows": options.max_rows, "max_unpacked_bytes": options.max_unpacked_bytes, "memory_mb": options.memory_mb}
    asked["jobs"] = [{"path": str(job.path), "target": str(job.target), "format": job.format, "spec": job.spec.model_dump_json()} for job in jobs]
    paths = os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "connectors.files.worker",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE, start_new_session=True, env={**_environment(), "PYTHONPATH": paths},
    )  # fmt: skip
    try:
        return await _heard(process, orjson.dumps(asked), what)
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.shield(process.wait())


def _environment() -> dict[str, str]:
    """Without the hub's and the sources' secrets."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", "HOME", "LD_LIBRARY_PATH")}


async def _heard(process: asyncio.subprocess.Process, asked: bytes, what: str) -> dict[str, Any] | None:
    if process.stdin is None or process.stdout is None:
        return None
    process.stdin.write(asked)
    process.stdin.close()
    answer: dict[str, Any] | None = None
    told = 0
    async for line in process.stdout:
        said = orjson.loads(line)
        if "progress" not in said:
            answer = said
        elif said["progress"] - told >= _TELL_EVERY:
            told = said["progress"]
            log.info("%s: %d rows read", what, told)
    await process.wait()
    return answer
