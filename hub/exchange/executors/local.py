"""Chunks worked on by child processes on this machine, so that Arrow and files keep no query waiting."""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress

import structlog

from hub.exchange.executors.precedence import Precedence
from hub.exchange.executors.spi import Progress, WorkerLost
from hub.exchange.executors.wire import Advanced, Begin, Ended, message, received
from hub.exchange.work.kit import Secrets
from hub.exchange.work.task import ChunkFault, ChunkReceipt, ChunkTask

IDLE_SECONDS = 60.0
"""A child without work ends after so long."""
_LOOK_SECONDS = 5.0
_MOST_LINE = 2000
log = structlog.get_logger(__name__)


class LocalExecutor:
    """At most ``places`` children, started when they are needed. ``secrets`` tells the keys of the moment; they go through a pipe and nowhere else.

    Children inherit the environment, where passwords of sources may lie (``env:NAME``).
    """

    def __init__(self, secrets: Callable[[], Secrets], places: int) -> None:
        self._secrets = secrets
        self._places = places
        self._idle: list[_Child] = []
        self._tending: asyncio.Task[None] | None = None
        self.children: set[_Child] = set()
        self.precedence: Precedence | None = Precedence(self._working)

    @property
    def places(self) -> int:
        """See :class:`hub.exchange.executors.spi.Executor`."""
        return self._places

    def _working(self) -> list[Process]:
        return [child.process for child in self.children if child not in self._idle] if self.children else []

    async def run(self, task: ChunkTask, progress: Progress) -> ChunkReceipt:
        """See :class:`hub.exchange.executors.spi.Executor`. A child whose chunk is cancelled is killed: nothing else ends a driver's call."""
        child = await self._child()
        try:
            outcome = await child.work(Begin(task, self._secrets()), progress)
        except (EOFError, ConnectionError) as gone:
            await self._end(child)
            raise WorkerLost(f"a process of exchanges ended ({child.returncode})") from gone
        except BaseException:
            await asyncio.shield(self._end(child))
            raise
        child.idle_since = asyncio.get_running_loop().time()
        self._idle.append(child)
        if isinstance(outcome, ChunkFault):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Ends all children."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.wait({self._tending})
            self._tending = None
        for child in list(self.children):
            await self._end(child)

    async def _child(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.returncode is None:
                return child
            await self._end(child)
        child = await _Child.start()
        self.children.add(child)
        if self._tending is None:
            self._tending = asyncio.create_task(self._tend())
        return child

    async def _end(self, child: _Child) -> None:
        self.children.discard(child)
        await child.end()

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, IDLE_SECONDS))
            due = asyncio.get_running_loop().time() - IDLE_SECONDS
            # One after the other: while one ends, another may be given a chunk.
            while child := next((child for child in self._idle if child.idle_since <= due), None):
                self._idle.remove(child)
                await self._end(child)


class _Child:
    """One child process, which works on one chunk at a time."""

    def __init__(self, process: Process, into: StreamWriter, out: StreamReader, errors: StreamReader) -> None:
        self.process = process
        self._into = into
        self._out = out
        self._errors = errors
        self._telling = asyncio.create_task(self._tell())
        self.idle_since = 0.0

    @classmethod
    async def start(cls) -> _Child:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "hub.exchange.work", stdin=pipe, stdout=pipe, stderr=pipe)
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise WorkerLost("a process of exchanges has no pipes")
        return cls(process, process.stdin, process.stdout, process.stderr)

    @property
    def returncode(self) -> int | None:
        return self.process.returncode

    @property
    def pid(self) -> int:
        """Its number, for whoever watches it."""
        return self.process.pid

    async def work(self, begin: Begin, progress: Progress) -> ChunkReceipt | ChunkFault:
        self._into.write(message(begin))
        await self._into.drain()
        while True:
            told: Advanced | Ended = await received(self._out)
            if isinstance(told, Ended):
                return told.outcome
            progress(told.rows, told.bytes)

    async def end(self) -> None:
        """Kills it: what it was writing has a name that nobody else uses."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self._telling

    async def _tell(self) -> None:
        """What it says on standard error goes into the hub's log, line by line."""
        while True:
            try:
                line = await self._errors.readline()
            except ValueError:
                # Longer than any line that means something.
                continue
            if not line:
                return
            log.warning("exchange_process", pid=self.process.pid, line=line.decode(errors="replace").rstrip()[:_MOST_LINE])
