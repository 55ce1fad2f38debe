"""One job, chunk after chunk, as many at once as its source and the executor bear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from errno import ENOENT
from pathlib import Path
from typing import Any

import structlog
from anyio import to_thread
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.exchange import placing
from hub.exchange.chunks import Chunk, ChunkStore, has_done
from hub.exchange.executors.spi import Executor, WorkerLost
from hub.exchange.figures import Advance, Figures
from hub.exchange.gate import Gate
from hub.exchange.looks import Looks, waiting_for
from hub.exchange.passage import Passage
from hub.exchange.planning import Planned, following, last_binding, task_of
from hub.exchange.sealing import Seals
from hub.exchange.stops import Stopped, Waiting
from hub.exchange.work.faults import NO_ROOM
from hub.exchange.work.task import ChunkFault, ChunkReceipt, ChunkTask
from hub.ledger.batch import locked_head
from hub.live import Live
from hub.sharing.quota import limited, usage
from schema.faults import Fault

ATTEMPTS, LOSSES = 5, 10
"""How often a chunk may fail, and how often whoever works on it may be lost, before its job fails."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before another attempt; each pause is three times the one before."""
TURN_SECONDS = 0.3
"""Between two looks whether the source has a session free."""
TOLD_SECONDS = 1.0
"""Between two writes of a job's progress."""
MOST_QUIET = 10
"""Turns without progress before it is written all the same: so it is found out that the job was cancelled elsewhere."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Means:
    """What all jobs of a process share."""

    live: Live
    chunks: ChunkStore
    seals: Seals
    looks: Looks
    executor: Executor
    gate: Gate
    figures: Figures


class Carrying:
    """Works on all chunks of one job that are not done. ``given`` is what every task has in common."""

    def __init__(self, means: Means, plan: Planned, passage: Passage, advance: Advance, given: Mapping[str, Any]) -> None:
        self._means = means
        self._plan = plan
        self._job = plan.job
        self._passage = passage
        self._advance = advance
        self._given = given
        self._resting: set[int] = set()
        self._trouble: dict[tuple[int, type[Exception]], int] = {}

    @property
    def _folder(self) -> Path:
        folder: Path = self._given["folder"]
        return folder

    async def run(self) -> None:
        """Until no chunk is left.

        Raises:
            Stopped: the job must not go on.
            Lost: it was cancelled, or runs elsewhere.
            Fault: see :meth:`hub.exchange.passage.Passage.ask`.
        """
        works = [asyncio.create_task(together([self._lane() for _ in range(self._plan.source.exchange_sessions)])), asyncio.create_task(self._tell())]
        try:
            # The progress is told for as long as there are chunks; who tells it finds out first that the job was cancelled elsewhere.
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for work in works:
                work.cancel()
            await asyncio.wait(works)
        for work in done:
            work.result()

    async def _lane(self) -> None:
        while True:
            if not await self._any_waits():
                return
            rows = await self._passage.ask()
            async with self._means.gate.place():
                chunk = await self._claimed()
                pause = await self._attempt(chunk, rows) if chunk is not None else 0.0
            if chunk is None:
                await asyncio.sleep(TURN_SECONDS)
            elif pause:
                await self._rest(chunk, pause)

    async def _claimed(self) -> Chunk | None:
        source = self._plan.source
        return await to_thread.run_sync(self._means.chunks.claim, self._job, source.code, source.exchange_sessions, frozenset(self._resting))

    async def _any_waits(self) -> bool:
        """Whether a chunk waits to be begun. Who fails with a chunk tries it again himself."""
        return await to_thread.run_sync(self._means.chunks.waits, self._job.id, frozenset(self._resting))

    async def _attempt(self, chunk: Chunk, rows: int | None) -> float:
        """Works on a chunk; how long it is left alone before another attempt, in seconds: 0 where there is none to be made."""
        most = self._means.live.core.settings.exchange_chunk_rows
        task = task_of(self._plan, self._means.seals, chunk, most if rows is None else min(most, rows + chunk.rows), self._given)
        try:
            receipt = await self._means.executor.run(task, lambda *sizes: self._note(chunk.number, sizes))
            await self._accept(chunk, task, receipt)
        except (ChunkFault, WorkerLost, Waiting) as trouble:
            return await self._put_back(chunk, trouble)
        finally:
            self._advance.running.pop(chunk.number, None)
        return 0.0

    def _note(self, number: int, sizes: tuple[int, int]) -> None:
        if number not in self._advance.done:
            self._advance.running[number] = sizes

    async def _accept(self, chunk: Chunk, task: ChunkTask, receipt: ChunkReceipt) -> None:
        """What the database calls done gets its name: who loses the job in between renames nothing that is not his."""
        self._means.looks.check(self._job, self._plan.compiled)
        if not await to_thread.run_sync(placing.is_whole, task, receipt):
            raise WorkerLost("the files are not what the receipt says")
        await to_thread.run_sync(self._enter, chunk, receipt)
        if not await to_thread.run_sync(placing.put, self._folder, replace(chunk, bytes=receipt.bytes)):
            raise OSError(ENOENT, "an accepted file is gone")
        self._passage.began()
        self._advance.done[chunk.number] = receipt.rows, receipt.bytes
        figures = self._means.figures
        figures.attempts["done"] += 1
        figures.rows, figures.bytes = figures.rows + receipt.rows, figures.bytes + receipt.bytes

    def _enter(self, chunk: Chunk, receipt: ChunkReceipt) -> None:
        seals, plan = self._means.seals, self._plan
        last = None if receipt.last is None else seals.seal(last_binding(plan, chunk.number), list(receipt.last))
        try:
            self._means.chunks.done(self._job.id, chunk, receipt, last, following(plan, seals, chunk, receipt.last), self._counting(chunk, receipt))
        except Fault as fault:
            raise waiting_for(fault) from None

    def _counting(self, chunk: Chunk, receipt: ChunkReceipt) -> Callable[[Connection], None]:
        """Counts what the chunk took against the grants' quotas, as calls are counted: behind the ledger's lock. Done anew, it counts what is more."""
        more = {resource: max(0, rows - chunk.accessed.get(resource, 0)) for resource, rows in receipt.accessed.items()}
        decisions, name = limited(self._plan.compiled.decisions), self._means.live.core.ledger.log

        def work(connection: Connection) -> None:
            if decisions:
                locked_head(connection, name)
                calls = 0 if has_done(connection, self._job.id) else 1
                usage(decisions, more, paced=False, calls=calls)(connection)

        return work

    async def _put_back(self, chunk: Chunk, trouble: ChunkFault | WorkerLost | Waiting) -> float:
        """Leaves the chunk to another attempt, after so many seconds.

        Raises:
            Stopped: it was tried often enough, or trying again would not help.
        """
        reason = trouble.code if isinstance(trouble, ChunkFault) else type(trouble).__name__
        self._means.figures.attempts[_OUTCOMES[type(trouble)]] += 1
        await to_thread.run_sync(placing.discard, self._folder, chunk)
        await to_thread.run_sync(self._means.chunks.put_back, self._job.id, chunk, reason)
        if isinstance(trouble, Waiting):
            return 0.0
        log.warning("exchange_chunk_failed", exchange=self._job.id, chunk=chunk.number, attempt=chunk.attempt, reason=reason, why=getattr(trouble, "why", ""))
        if isinstance(trouble, ChunkFault) and trouble.code == NO_ROOM and trouble.retryable:
            self._passage.has_no_room()
            return 0.0
        count = self._trouble[chunk.number, type(trouble)] = self._trouble.get((chunk.number, type(trouble)), 0) + 1
        if isinstance(trouble, ChunkFault) and (not trouble.retryable or count >= ATTEMPTS):
            raise Stopped(f"{trouble.code} {trouble.zh} {trouble.en}")
        if count >= LOSSES:
            raise Stopped("INTERNAL 执行进程屡次丢失 the processes that work on a chunk were lost time and again")
        return pause(count)

    async def _rest(self, chunk: Chunk, seconds: float) -> None:
        self._resting.add(chunk.number)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._resting.discard(chunk.number)

    async def _tell(self) -> None:
        """Writes how far the job is, about once a second while it changes.

        Raises:
            Lost: it was cancelled, or runs elsewhere.
        """
        told, quiet = (-1, -1), 0
        while True:
            found = self._advance.total()
            if found != told or quiet >= MOST_QUIET:
                # What cannot be told now is told later; whether the job can go on, its chunks find out.
                with suppress(SQLAlchemyError):
                    await self._passage.told(self._job, rows_done=found[0], bytes=found[1])
                    told, quiet = found, 0
            await asyncio.sleep(TOLD_SECONDS)
            quiet += 1


_OUTCOMES: dict[type[Exception], str] = {ChunkFault: "failed", WorkerLost: "lost", Waiting: "refused"}


async def together(works: list[Coroutine[Any, Any, None]]) -> None:
    """All of them; the first that fails ends the others, and is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        if not task.cancelled() and (fault := task.exception()) is not None:
            raise fault


def pause(count: int) -> float:
    """Seconds before another attempt, after so many that came to nothing."""
    return float(min(FIRST_PAUSE * 3 ** (count - 1), LONGEST_PAUSE))
