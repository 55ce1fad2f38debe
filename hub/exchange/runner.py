"""Runs exchange jobs on the event loop: page after page into a file, rights looked at before each, the ledger entry before the file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from anyio import to_thread
from graphql import VariableValues
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from auth.decide import Rights
from connectors.calling import CALLING, Calling
from hub.api.calling import hub_number, new_traceparent
from hub.api.entries import access_entries, subject_hash
from hub.api.execute import Executor, flags_of, variables_of
from hub.exchange.disposal import Disposal
from hub.exchange.entries import ended_entry, succeeded_entry
from hub.exchange.leases import Leases
from hub.exchange.store import UNFINISHED, ExchangeStore, FileRecord, Job
from hub.exchange.window import ALWAYS, is_open
from hub.exchange.writers import FORMATS, ExchangeFile, rows_for
from hub.ledger.entry import Outcome, SubjectSet
from hub.ledger.errors import LedgerUnavailable
from hub.live import Live
from hub.observation import places
from hub.sharing.quota import limited, usage
from hub.store.base import now
from hub.tracing.sets import Gathered
from hub.withdrawal.telling import check_document
from schema.answer import Answer
from schema.documents import Documents
from schema.export import Export, Exporter, check_exchange, export_of
from schema.faults import Code, Fault
from schema.plan import Plan
from schema.reach import reaching
from schema.run import Run

BATCH = 1000
_AT_ONCE = 2
_RENEW_SECONDS = 10.0
_WINDOW_SECONDS = 15.0
GATHERED = ".subjects.part"
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Compiled:
    """A job's document, compiled for the rights of its application."""

    export: Export
    variables: VariableValues
    rights: Rights


class Stopped(Exception):
    """A job that must not go on. ``reason`` is told to its owner."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Lost(Exception):
    """A job that was cancelled, or that another server has taken over: there is nothing to be done about it here."""


class ExchangeRunner:
    """Holds the running jobs of this process."""

    def __init__(self, live: Live, documents: Documents, executor: Executor, store: ExchangeStore) -> None:
        self._live = live
        self._documents = documents
        self._executor = executor
        self._store = store
        self._alone = not live.core.settings.shared
        self._leases = Leases(live.core.engine, store.node, self._alone)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    def compile(self, text: str, variables: Mapping[str, Any], operation_name: str | None, rights: Rights) -> Compiled:
        """The export behind a document.

        Raises:
            Fault: the document cannot be exchanged, or not with these rights.
        """
        view = self._live.view(rights)
        document = check_document(self._live, self._documents, text, view)
        operation = document.operation(operation_name)
        coerced = variables_of(document, operation, variables)
        flags = flags_of(self._executor.plans.flags(document), coerced)
        export = export_of(reaching(self._executor.plans.plan(view, document, operation, flags), coerced))
        denied = check_exchange(export)
        if denied:
            raise Fault(
                Code.FORBIDDEN,
                f"授权不含对 {denied[0]} 的批量交换",
                f"the grant does not give exchange of {denied[0]}",
                "请以 requestAccess 申请",
                "apply by requestAccess",
            )
        return Compiled(export, coerced, rights)

    def start(self, job: str) -> None:
        """Begins a job, or queues it behind those that run, unless another server was faster."""
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

    async def resume(self) -> None:
        """Begins anew what a server left behind that has ended."""
        for job in await to_thread.run_sync(self._leases.free):
            if job not in self._tasks:
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
        """Stops what runs; it is begun anew at the next start, or by another server."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
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
        return self._live.core.settings.exchanges / job

    async def _run(self, job_id: str) -> None:
        try:
            if not await to_thread.run_sync(self._leases.claim, job_id):
                return
            async with self._places:
                job = await to_thread.run_sync(self._store.job, job_id)
                if job is not None and not job.ended:
                    await self._carry_out(job)
        except SQLAlchemyError as fault:
            # Nobody can be told now; when the job is held no longer, it is begun anew.
            log.warning("exchange_interrupted", exchange=job_id, fault=type(fault).__name__)

    async def _carry_out(self, job: Job) -> None:
        # Whatever call started the job has been answered: sources are read for the job, which has a trace of its own.
        hub = hub_number(self._live.core.log.first_key.public)
        CALLING.set(Calling(job.id, job.purpose, job.operator, job.case, new_traceparent(), via=(hub,), caller=job.application, batch=True))
        try:
            await self._write(job)
        except Lost:
            return
        except Stopped as stopped:
            await self._fail(job, stopped.reason)
        except Fault as fault:
            await self._fail(job, f"{fault.code.value} {fault.zh} {fault.en}")
        except LedgerUnavailable:
            await self._fail(job, "LEDGER_UNAVAILABLE 调用日志不可写或逾期未获见证 the ledger cannot be written, or has gone unwitnessed for too long")
        except OSError as failure:
            await self._fail(job, f"INTERNAL 文件写入失败 the file could not be written ({failure.strerror})")
        except SQLAlchemyError:
            raise
        except Exception as failure:  # noqa: BLE001 - a job that fails must say so, whatever it was
            log.error("exchange_failed", exchange=job.id, fault=type(failure).__name__, places=places(failure))
            await self._fail(job, "INTERNAL 平台内部错误 internal error of the hub")

    async def _progress(self, job: Job, only_from: Sequence[str] = UNFINISHED, **values: Any) -> None:
        if not await to_thread.run_sync(lambda: self._store.progress(job.id, only_from, **values)):
            raise Lost

    async def _fail(self, job: Job, reason: str) -> None:
        changed = await to_thread.run_sync(lambda: self._store.progress(job.id, state="FAILED", reason=reason, finished_at=now(), document="", variables=""))
        if changed:
            await self._enter(job, "FAILED", reason.partition(" ")[0])

    async def _enter(self, job: Job, outcome: Outcome, code: str) -> None:
        try:
            await self._live.core.ledger.append(ended_entry(job, self._department(job), outcome, code))
        except LedgerUnavailable:
            log.warning("exchange_end_not_entered", exchange=job.id)

    def _department(self, job: Job) -> str | None:
        app = self._live.core.registry.application(job.application)
        return app.department if app else None

    def _rights(self, job: Job) -> Rights:
        registry = self._live.core.registry
        if self._live.stale:
            raise Stopped("LEDGER_UNAVAILABLE 控制库不可读，无法核对权限 the control database cannot be read to check rights")
        if not registry.is_active(job.application):
            raise Stopped("FORBIDDEN 应用已停用 the application is disabled")
        return registry.rights(job.application, job.scopes)

    async def _write(self, job: Job) -> None:
        rights = self._rights(job)
        if rights.fingerprint != job.policy:
            raise Stopped("FORBIDDEN 授权在开始前已变更 the grant changed before the exchange began")
        compiled = self.compile(job.document, json.loads(job.variables), job.operation_name, rights)
        answer = Answer()
        run = Run(self._live.sources.source, self._executor.cursors, job.application, compiled.variables)
        exporter = Exporter(compiled.export, run, answer, BATCH)
        total = await exporter.total()
        await self._progress(job, state="RUNNING", rows_total=total, rows_done=0, bytes=0)
        name = f"data.{FORMATS[job.format]}"
        file = ExchangeFile(self.folder(job.id) / name, rows_for(job.format, compiled.export.columns))
        gathered = Gathered(self.folder(job.id) / GATHERED)
        try:
            await self._window(job, compiled.export)
            async for rows in exporter.pages():
                await to_thread.run_sync(self._keep, file, rows, gathered, answer)
                self._look(job, compiled.export.plan)
                await self._progress(job, ("RUNNING",), rows_done=file.count, bytes=file.bytes)
                await self._window(job, compiled.export)
            sets = await to_thread.run_sync(gathered.sets, self._live.core.engine)
            digest = await to_thread.run_sync(file.finish)
        except BaseException:
            file.discard()
            raise
        finally:
            gathered.close()
        await self._succeed(job, compiled, answer, FileRecord(name, file.count, file.bytes, digest), exporter.undelivered, sets)

    def _keep(self, file: ExchangeFile, rows: Sequence[Mapping[str, Any]], gathered: Gathered, answer: Answer) -> None:
        """A page's rows, and whom they concern."""
        file.write(rows)
        for (resource, _), access in answer.accesses.items():
            gathered.add(resource, [bytes.fromhex(subject_hash(self._live.core.subjects, resource, subject)) for subject in access.subjects])

    async def _window(self, job: Job, export: Export) -> None:
        """Pauses while a source that the export reads is outside the hours its department set."""
        configs = self._live.snapshot.sources
        sources = {face.resource.source for face in export.plan.faces.values()}
        windows = {code: str(configs[code].options.get("window", ALWAYS)) for code in sources if code in configs}
        paused = False
        while closed := [f"{code} {window}" for code, window in sorted(windows.items()) if not is_open(window, now())]:
            if not paused:
                reason = f"等待数据源开放时段 waiting for the source's hours: {', '.join(closed)}"
                await self._progress(job, ("RUNNING",), state="PAUSED", reason=reason)
                paused = True
            async with self._set_aside():
                await asyncio.sleep(_WINDOW_SECONDS)
            self._look(job, export.plan)
        if paused:
            await self._progress(job, ("PAUSED",), state="RUNNING", reason=None)

    @asynccontextmanager
    async def _set_aside(self) -> AsyncIterator[None]:
        """Gives the job's place to others: waiting for one source's hours must not stop the exchanges of all the others."""
        self._places.release()
        try:
            yield
        finally:
            # A job that is cancelled meanwhile has its place taken for it, and given back, as if it had waited.
            await asyncio.shield(asyncio.ensure_future(self._places.acquire()))

    def _look(self, job: Job, plan: Plan) -> None:
        """Before every page: the rights and the catalog that the job rests on still hold, and there is room for it."""
        if self._live.core.space.exchanges_stopped:
            raise Stopped("RATE_LIMITED 平台磁盘空间不足 the hub's disk has no room left")
        self._live.core.ledger.check_release()
        rights = self._rights(job)
        if rights.fingerprint != job.policy:
            raise Stopped("FORBIDDEN 授权已变更或撤销 the grant was changed or revoked")
        view = self._live.view(rights)
        if codes := view.faces.snapshot.withdrawn.intersection(code for code, _ in plan.faces):
            raise Stopped(f"FORBIDDEN 资源已撤回 the resource is withdrawn: {', '.join(sorted(codes))}")
        faces = view.faces
        for (code, _), face in plan.faces.items():
            now_ = faces.face(code)
            if now_ is None or now_.decision != face.decision:
                raise Stopped(f"FORBIDDEN 资源已变更或下架 the resource was changed or withdrawn: {code}")

    async def _succeed(self, job: Job, compiled: Compiled, answer: Answer, file: FileRecord, undelivered: int, sets: Mapping[str, SubjectSet]) -> None:
        core = self._live.core
        found = access_entries(answer, core.subjects, compiled.rights.fingerprint)
        accesses = tuple(replace(access, subject_set=sets.get(access.resource)) for access in found)
        decisions = [face.decision for face in compiled.export.plan.faces.values()]
        draft = succeeded_entry(job, self._department(job), decisions, compiled.export.plan.document.sha256, answer.rows, accesses, file, undelivered)
        days = timedelta(days=core.settings.exchange_days)
        values = {"finished_at": now(), "expires_at": now() + days, "rows_done": file.rows, "bytes": file.bytes, "reason": _undelivered(undelivered)}
        count = usage(limited(decisions), {access.resource: access.rows for access in accesses}, paced=False)

        def finish(connection: Connection) -> None:
            if not self._store.finish(connection, job.id, [file], **values):
                raise Lost
            count(connection)

        receipt = await core.ledger.append_with(draft, finish)
        await to_thread.run_sync(lambda: self._store.change(job.id, ("SUCCEEDED",), entry=receipt.entry))


def _undelivered(count: int) -> str | None:
    """What is told of a job that succeeded but for single values."""
    return f"SOURCE_VALUE {count} 个值无法交付，在文件中为空 values could not be delivered and are null in the file" if count else None
