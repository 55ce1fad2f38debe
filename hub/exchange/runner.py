"""Holds the exchange jobs of this process: begins, resumes, cancels and ends them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from errno import EAGAIN, EMFILE, ENFILE, ENOMEM
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import structlog
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError

from auth.decide import Rights
from connectors.calling import CALLING, Calling
from connectors.errors import SourceFault
from hub.api.calling import hub_number, new_traceparent
from hub.api.execute import Executor
from hub.exchange import placing
from hub.exchange.carrying import ATTEMPTS, Carrying, Means, pause
from hub.exchange.chunks import Chunk, ChunkStore
from hub.exchange.compiling import Compiled, Compiler, is_untouched
from hub.exchange.disposal import Disposal
from hub.exchange.ending import Ending
from hub.exchange.executors.factory import executor_of
from hub.exchange.figures import Advance, Figures
from hub.exchange.gate import Gate
from hub.exchange.jobs_at_once import JobPlaces
from hub.exchange.leases import Leases
from hub.exchange.looks import Looks
from hub.exchange.passage import Passage, set_aside
from hub.exchange.planning import Planned, Sources, calling_of, check_whole, counted_and_cut, planned
from hub.exchange.resting import NO_LONGER, rests_on
from hub.exchange.sealing import Seals
from hub.exchange.stops import Lost, Stopped, Waiting
from hub.exchange.store import ExchangeStore, Job
from hub.exchange.work.faults import FULL
from hub.ledger.digest import digest_of
from hub.ledger.errors import LedgerUnavailable
from hub.live import Live
from hub.observation import places
from hub.sharing.quota import limited
from schema.documents import Documents
from schema.faults import Fault
from schema.reader import source_fault

_EXHAUSTED = frozenset({EMFILE, ENFILE, EAGAIN, ENOMEM})
"""What a hub has none left of while it is very busy: files it may open, processes, memory. No job is at fault."""
_AT_ONCE, _EACH = 4, 2
"""Jobs; how many chunks run at once is the executor's."""
_RENEW_SECONDS = 10.0
_LEDGER_SECONDS = 1.0
"""Between two looks whether the ledger can be written, or rights can be told."""
_UNWRITTEN = "LEDGER_UNAVAILABLE 调用日志不可写或逾期未获见证 the ledger cannot be written, or has gone unwitnessed for too long"
log = structlog.get_logger(__name__)


class Verifying(Protocol):
    """Carries out jobs that verify the rows of an upload, see :mod:`hub.exchange.verifying.runner`."""

    async def carry_out(self, job: Job, aside: Callable[[], AbstractAsyncContextManager[None]]) -> None: ...


class ExchangeRunner:
    """The running jobs of this process."""

    def __init__(self, live: Live, documents: Documents, executor: Executor, store: ExchangeStore) -> None:
        core = live.core
        self._live = live
        self._cursors = executor.cursors
        self._compiler = Compiler(live, documents, executor)
        self._store = store
        self._alone = not core.settings.shared
        self._leases = Leases(core.engine, store.node, self._alone)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._places = JobPlaces(_AT_ONCE, _EACH)
        self._ending = Ending(live, store)
        working = executor_of(core.settings, core.subjects, lambda: tuple(core.pseudonyms.files.keys.values()))
        self.precedence = working.precedence
        """Told of calls; ``None`` where exchanges keep none waiting."""
        self.figures = Figures()
        self.gate = Gate(working)
        chunks, seals = ChunkStore(core.engine, store.node), Seals(core.cursor_key)
        self._means = Means(live, chunks, seals, Looks(live), working, self.gate, self.figures)
        self.verifying: Verifying | None = None

    def compile(self, text: str, variables: Mapping[str, Any], operation_name: str | None, rights: Rights) -> Compiled:
        """See :meth:`hub.exchange.compiling.Compiler.compile`."""
        return self._compiler.compile(text, variables, operation_name, rights)

    def start(self, job: str) -> None:
        """Begins a job, or queues it behind those that run, unless it runs here or another server was faster."""
        if job in self._tasks:
            return
        task = asyncio.create_task(self._run(job))
        self._tasks[job] = task
        task.add_done_callback(lambda _: self._tasks.pop(job, None))

    @property
    def jobs(self) -> int:
        """Jobs that run here, wait for a place, or pause."""
        return len(self._tasks)

    async def cancel(self, job: str) -> None:
        """Ends a job that runs here."""
        task = self._tasks.get(job)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
            await to_thread.run_sync(placing.clear, self.folder(job))

    async def resume(self) -> None:
        """Goes on with what a server left behind that has ended."""
        for job in await to_thread.run_sync(self._leases.free):
            self.start(job)

    async def keep(self) -> None:
        """Holds on to the jobs that run here, and takes over those of servers that are heard of no more, until cancelled."""
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                await to_thread.run_sync(self._leases.renew, list(self._tasks))
                await self.resume()
            except SQLAlchemyError as fault:
                log.warning("exchanges_not_held", fault=type(fault).__name__)

    async def close(self) -> None:
        """Stops what runs; it goes on at the next start, or with another server."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._means.executor.close()
        try:
            await to_thread.run_sync(self._leases.release)
        except SQLAlchemyError as fault:
            log.warning("exchanges_not_released", fault=type(fault).__name__)

    async def sweep(self) -> None:
        """Disposes of files whose time is over, until cancelled."""
        settings = self._live.core.settings
        await Disposal(self._store, self._live.core.ledger, settings.exchanges, self._alone).run()

    def folder(self, job: str) -> Path:
        """Where a job's files lie."""
        return self._live.core.settings.exchanges.absolute() / job

    def _aside(self, job: Job) -> AbstractAsyncContextManager[None]:
        return set_aside(self._places.of(job.application))

    async def _run(self, job_id: str) -> None:
        try:
            if not await to_thread.run_sync(self._leases.claim, job_id):
                return
            # What a server that has ended was at holds no session of a source any more.
            await to_thread.run_sync(self._means.chunks.begin_anew, job_id)
            job = await to_thread.run_sync(self._store.job, job_id)
            if job is None:
                return
            async with self._places.of(job.application):
                job = await to_thread.run_sync(self._store.job, job_id)
                if job is not None and not job.ended:
                    await self._carry_out(job)
        except Lost:
            return
        except (SQLAlchemyError, OSError) as fault:
            # Nobody can be told now, or nothing done; when the job is held no longer, somebody goes on with it.
            log.warning("exchange_interrupted", exchange=job_id, fault=type(fault).__name__, why=getattr(fault, "strerror", None))
            await asyncio.sleep(_LEDGER_SECONDS)
            with suppress(SQLAlchemyError):
                await to_thread.run_sync(self._leases.release, job_id)

    async def _carry_out(self, job: Job) -> None:
        # Whatever call started the job has been answered: sources are read for the job, which has a trace of its own.
        hub = hub_number(self._live.core.log.first_key.public)
        CALLING.set(Calling(job.id, job.purpose, job.operator, job.case, new_traceparent(), via=(hub,), caller=job.application, batch=True))
        try:
            await (self.verifying.carry_out(job, partial(self._aside, job)) if job.kind == "VERIFICATION" and self.verifying else self._export(job))
        except Stopped as stopped:
            await self._fail(job, stopped.reason)
        except Fault as fault:
            await self._fail(job, f"{fault.code.value} {fault.zh} {fault.en}")
        except LedgerUnavailable:
            await self._fail(job, _UNWRITTEN)
        except OSError as failure:
            if failure.errno in _EXHAUSTED:
                raise
            await self._fail(job, f"INTERNAL 文件写入失败 the file could not be written ({failure.strerror})")
        except (SQLAlchemyError, Lost):
            raise
        except Exception as failure:  # noqa: BLE001 - a job that fails must say so, whatever it was
            log.error("exchange_failed", exchange=job.id, fault=type(failure).__name__, places=places(failure))
            await self._fail(job, "INTERNAL 平台内部错误 internal error of the hub")

    async def _fail(self, job: Job, reason: str) -> None:
        """Ends it as soon as that can be entered."""
        while True:
            try:
                return await self._ending.fail(job, reason, self.folder(job.id))
            except LedgerUnavailable:
                await to_thread.run_sync(lambda: self._store.progress(job.id, state="PAUSED", reason=_UNWRITTEN))
                async with self._aside(job):
                    await asyncio.sleep(_LEDGER_SECONDS)

    async def _export(self, job: Job) -> None:
        plan = await self._planned_in_time(job)
        known = await self._known(job)
        passage = Passage(plan, self._means.looks, self._store, self.figures, partial(self._aside, job), bool(known))
        advance = Advance.of(known)
        rows, size = advance.total()
        await passage.told(job, state="RUNNING", reason=None, rows_done=rows, bytes=size)
        if not known:
            await passage.ask()
            await self._cut(plan, passage)
        await self._make_folder(job, passage)
        self._ending.load()
        await Carrying(self._means, plan, passage, advance, self._given(job)).run()
        chunks = await to_thread.run_sync(self._means.chunks.of, job.id)
        if any(chunk.state != "DONE" for chunk in chunks):
            raise Lost
        check_whole(plan, self._means.seals, chunks)
        while True:
            # Whatever was decided while the last chunk was written: nothing of a job is offered that would not begin now.
            await passage.ask_to_end()
            try:
                return await self._ending.succeed(plan, chunks, self.folder(job.id))
            except LedgerUnavailable:
                await asyncio.sleep(_LEDGER_SECONDS)
            except OSError as failure:
                # All chunks are done: their subjects are merged when there is room for that.
                if failure.errno not in FULL:
                    raise
                passage.has_no_room()

    async def _make_folder(self, job: Job, passage: Passage) -> None:
        """The hub's to make: to a worker on another machine a folder that is not there means that the disk is not shared."""
        folder = self.folder(job.id)
        while True:
            try:
                return await to_thread.run_sync(lambda: folder.mkdir(mode=0o700, parents=True, exist_ok=True))
            except OSError as failure:
                if failure.errno not in FULL:
                    raise
                passage.has_no_room()
                await passage.ask()

    async def _planned_in_time(self, job: Job) -> Planned:
        """Waits while nobody can tell the job's rights."""
        while True:
            try:
                return self._planned(job)
            except Waiting:
                async with self._aside(job):
                    await asyncio.sleep(_LEDGER_SECONDS)

    def _planned(self, job: Job) -> Planned:
        """What was started, compiled anew: it must be what it was then (G2, G3)."""
        rights = self._means.looks.rights(job)
        if not rests_on(job, rights):
            raise Stopped(NO_LONGER)
        if not is_untouched(job):
            raise Stopped("CONFLICT 任务内容被更改 what the exchange was started with was changed")
        compiled = self.compile(job.document, json.loads(job.variables), job.operation_name, rights)
        if not compiled.is_of(job.plan):
            raise Stopped("CONFLICT 查询计划已变更 the plan of the document is not what it was when the exchange began")
        sources = Sources(self._live.snapshot.sources, self._live.sources.source)
        return planned(job, compiled, sources, self._cursors)

    async def _known(self, job: Job) -> list[Chunk]:
        """The job's chunks; those whose files are not here any more begin anew, and what belongs to none is taken away."""
        chunks, folder = await to_thread.run_sync(self._means.chunks.of, job.id), self.folder(job.id)

        def look() -> tuple[list[Chunk], list[Path]]:
            here = [chunk for chunk in chunks if chunk.state == "DONE" and placing.put(folder, chunk)]
            return here, placing.beside(folder, here)

        here, left = await to_thread.run_sync(look)
        if gone := [chunk.number for chunk in chunks if chunk.state == "DONE" and chunk not in here]:
            log.warning("exchange_chunks_gone", exchange=job.id, chunks=gone[:20])
        # Who stood still meanwhile, and lost the job, finds out here: what was seen before is nobody's, what came later another server's.
        await to_thread.run_sync(self._means.chunks.begin_anew, job.id, gone)
        await to_thread.run_sync(placing.take_away, left)
        return [chunk if chunk in here else replace(chunk, state="PENDING") for chunk in chunks]

    async def _cut(self, plan: Planned, passage: Passage) -> None:
        """Counts and cuts the list; a source that is not available is tried again, as for a chunk."""
        rows, quota = self._live.core.settings.exchange_chunk_rows, any(d.quota and d.quota.rows is not None for d in limited(plan.compiled.decisions))
        open_ = self._live.sources.source
        for count in range(1, ATTEMPTS + 1):
            try:
                found, chunks = await counted_and_cut(plan, open_, rows, quota, self._means.seals)
                break
            except SourceFault as fault:
                if not fault.retryable or count == ATTEMPTS:
                    raise source_fault(plan.compiled.export.list.face, fault, asked=True) from fault
                await asyncio.sleep(pause(count))
                await passage.ask()
        await passage.told(plan.job, rows_total=found)
        await to_thread.run_sync(self._means.chunks.plan, plan.job.id, chunks)

    def _given(self, job: Job) -> dict[str, Any]:
        calling, log_ = CALLING.get(), self._live.core.ledger.log
        trace, via = (calling.trace or "", calling.via) if calling is not None else ("", ())
        return {"folder": self.folder(job.id), "calling": calling_of(job, trace, via), "sm3": digest_of(log_).name == "SM3"}
