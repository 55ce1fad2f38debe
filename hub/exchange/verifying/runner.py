"""Carries out batch verifications, from wherever they stand to their file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from anyio import to_thread
from sqlalchemy import Connection

from auth.decide import Rights
from auth.rights import Use
from connectors.calling import CALLING, Calling
from hub.api.calling import hub_number, new_traceparent
from hub.api.context import Caller
from hub.exchange.delivery.store import plan as plan_delivery
from hub.exchange.looks import NO_ROOM
from hub.exchange.stops import Lost, Renewed, Stopped, Waiting
from hub.exchange.store import ExchangeStore, Job
from hub.exchange.verifying import looks
from hub.exchange.verifying.asking import Asking, Case
from hub.exchange.verifying.documents import Compiled, compile_document, input_digest
from hub.exchange.verifying.entries import succeeded
from hub.exchange.verifying.layout import Layout
from hub.exchange.verifying.looks import Aside, Looks
from hub.exchange.verifying.outcomes import OutcomeLog, Segment, segments
from hub.exchange.verifying.rows import rows_of
from hub.exchange.verifying.store import UploadStore
from hub.exchange.verifying.turns import Table, Turns
from hub.exchange.work.faults import FULL
from hub.exchange.work.task import Encoding
from hub.ledger.errors import LedgerUnavailable
from hub.live import Live
from hub.store.base import now
from schema.documents import Documents
from schema.plan import Plans

_WAITING = "LEDGER_UNAVAILABLE 调用日志暂不可写，恢复后继续 the ledger cannot be written; goes on when it can"


class VerificationRuns:
    """Carries out jobs that verify. Lives on the event loop."""

    def __init__(self, live: Live, documents: Documents, plans: Plans, asking: Asking, store: ExchangeStore, uploads: UploadStore) -> None:
        self._live = live
        self._documents = documents
        self._plans = plans
        self._asking = asking
        self._store = store
        self._uploads = uploads
        self._looks = Looks(live, store)

    def compile(self, text: str, operation_name: str | None, rights: Rights) -> Compiled:
        """See :func:`compile_document`."""
        return compile_document(self._live, self._documents, self._plans, text, operation_name, rights)

    async def carry_out(self, job: Job, aside: Aside) -> None:
        """To the end, from wherever it stands.

        Raises:
            Lost: it was cancelled, or another server has it.
            Stopped: it must not go on.
            Fault: it cannot.
        """
        trace = new_traceparent()
        while True:
            while self._live.stale:
                async with aside():
                    await asyncio.sleep(looks.LOOK_SECONDS)
            table = await self._table(job)
            case = self._case(job, trace)
            await self._looks.progress(job, state="RUNNING", reason=None, rows_total=table.upload.rows)
            try:
                return await self._run(case, table, aside)
            except Renewed:
                continue
            except LedgerUnavailable:
                # Whether the last rows are entered is not known: what the control database says of them is read anew.
                reason = _WAITING
            except Waiting as waiting:
                reason = waiting.reason
            except OSError as failure:
                # What was verified has been counted against budgets, and could not be verified again.
                if failure.errno not in FULL:
                    raise
                reason = NO_ROOM
            with suppress(Renewed):
                await self._looks.pause(case, reason, now() + timedelta(seconds=looks.LOOK_SECONDS), aside)

    async def _run(self, case: Case, table: Table, aside: Aside) -> None:
        log = await to_thread.run_sync(OutcomeLog, self._folder(case.job), self._live.core.engine, case.job.id, self._store.node)
        try:
            rows = rows_of(self._uploads.path(table.upload.id), log.done)
            await Turns(self._asking, self._looks, case, log, aside).verify(table, rows)
            await self._finish(case, table)
        finally:
            log.close()

    def _folder(self, job: Job) -> Path:
        return self._live.core.settings.exchanges / job.id

    def _case(self, job: Job, trace: str) -> Case:
        app, rights = self._live.core.registry.application(job.application), self._looks.rights(job)
        if app is None:
            raise Stopped("FORBIDDEN 应用不存在 there is no such application")
        use = Use(job.purpose, job.operator, job.case)
        compiled = self.compile(job.document, job.operation_name, rights)
        via = (hub_number(self._live.core.log.first_key.public),)
        calling = Calling(job.id, use.purpose, use.operator, use.case, trace, via=via, caller=job.application, batch=True)
        CALLING.set(calling)
        return Case(job, Caller(app, rights, use), compiled, compiled.checks.purpose(use, public=False), calling)

    async def _table(self, job: Job) -> Table:
        given = json.loads(job.variables)
        # What lies in the database is what was started (G2).
        digest = input_digest(job.document, given["upload"], job.format, job.operation_name, given["keep"], job.encoding, job.destination)
        if digest != job.input_sha256:
            raise Stopped("CONFLICT 任务内容被更改 what the exchange was started with was changed")
        upload = await to_thread.run_sync(self._uploads.of, given["upload"], job.application)
        if upload is None or not self._uploads.path(upload.id).is_file():
            raise Stopped("NOT_FOUND 上传文件不在本节点或已处置 the upload does not lie with this node, or was disposed of")
        return Table(upload, tuple(given["keep"]))

    async def _finish(self, case: Case, table: Table) -> None:
        core, job, upload, folder = self._live.core, case.job, table.upload, self._folder(case.job)
        # Arrow takes some 90 MiB: a hub that verifies no batch does without.
        from hub.exchange.verifying.files import Writing

        layout = Layout(table.keep, case.compiled.claims, case.compiled.moment)
        places = [upload.columns.index(name) for name in table.keep]
        parts = await to_thread.run_sync(segments, core.engine, job.id)
        encoding: Encoding = "GB18030" if job.encoding == "GB18030" else "UTF-8"
        writing = Writing(folder, job.format, encoding, layout, self._uploads.path(upload.id), places, parts, core.engine)
        file = await to_thread.run_sync(writing.finish, f".data.{self._store.node}")
        self._looks.check(case)
        CALLING.set(case.calling)
        values = {"finished_at": now(), "expires_at": now() + timedelta(days=core.settings.exchange_days), "rows_done": file.rows, "bytes": file.bytes}

        def finish(connection: Connection) -> None:
            if not self._store.finish(connection, job.id, [file], **values):
                raise Lost
            plan_delivery(connection, job.id)

        receipt = await core.ledger.append_with(succeeded(case, file), finish)
        await to_thread.run_sync(lambda: self._store.change(job.id, ("SUCCEEDED",), entry=receipt.entry))
        await to_thread.run_sync(_clear, folder, parts)


def _clear(folder: Path, parts: Sequence[Segment]) -> None:
    """Takes away what the file was made of."""
    for part in parts:
        (folder / part.name).unlink(missing_ok=True)
