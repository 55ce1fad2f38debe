"""How jobs end: with all their files and one entry of the ledger, in one transaction; or with nothing but an entry that says why."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from anyio import to_thread
from sqlalchemy import Connection

from connectors.calling import CALLING
from hub.api.entries import access_of, subject_hashes
from hub.exchange import placing
from hub.exchange.chunks import Chunk
from hub.exchange.delivery.store import plan as plan_delivery
from hub.exchange.entries import ended_entry, succeeded_entry
from hub.exchange.planning import Planned
from hub.exchange.stops import Lost
from hub.exchange.store import ExchangeStore, FileRecord, Job
from hub.ledger.entry import Access, SubjectSet
from hub.live import Live
from hub.store.base import now
from schema.answer import Access as Taken

_Merge = Callable[..., dict[str, SubjectSet]]


class Ending:
    """Ends jobs that run here."""

    def __init__(self, live: Live, store: ExchangeStore) -> None:
        self._live = live
        self._store = store
        self._loading: asyncio.Task[_Merge] | None = None

    def load(self) -> None:
        """Begins to load Arrow, which a hub without exchanges need not hold, so that the first job does not wait for it at its end."""
        if self._loading is None:
            self._loading = asyncio.create_task(to_thread.run_sync(_merging))

    async def succeed(self, plan: Planned, chunks: Sequence[Chunk], folder: Path) -> None:
        """All chunks are done: writes whom they concern, then the entry with the job's success.

        Raises:
            Lost: the job was cancelled, or another server has taken it over.
            LedgerUnavailable: nothing is offered.
            OSError: a file of subjects is not whole.
        """
        job, core = plan.job, self._live.core
        sets = await to_thread.run_sync(self._sets, plan, chunks, folder)
        files = [FileRecord(chunk.name, chunk.rows, chunk.bytes, chunk.sha256, chunk.sm3) for chunk in chunks]
        rows, size, undelivered = (sum(getattr(chunk, name) for chunk in chunks) for name in ("rows", "bytes", "undelivered"))
        accesses = self._accesses(plan, chunks, sets)
        if (calling := CALLING.get()) is not None:
            # Once, however often the ledger has to be asked.
            calling.receipts[:] = dict.fromkeys((*calling.receipts, *(each for chunk in chunks for each in chunk.remote)))
        draft = succeeded_entry(job, self.department(job), plan.compiled, accesses, files, undelivered)
        moment = now()
        until = moment + timedelta(days=core.settings.exchange_days)
        values = {"finished_at": moment, "expires_at": until, "rows_done": rows, "bytes": size, "reason": _undelivered(undelivered)}

        def finish(connection: Connection) -> None:
            if not self._store.finish(connection, job.id, files, **values):
                raise Lost
            plan_delivery(connection, job.id)

        receipt = await core.ledger.append_with(draft, finish)
        await to_thread.run_sync(lambda: self._store.change(job.id, ("SUCCEEDED",), entry=receipt.entry))
        await to_thread.run_sync(placing.tidy_hidden, folder)

    def _sets(self, plan: Planned, chunks: Sequence[Chunk], folder: Path) -> dict[str, SubjectSet]:
        """The set of each resource. Whom the filter names is asked for as well as whom a row names."""
        merge = _merging()
        core, also = self._live.core, dict[str, list[bytes]]()
        for (resource, _), access in plan.answer.accesses.items():
            also.setdefault(resource, []).extend(subject_hashes(core.subjects, access))
        return merge([placing.subjects_of(folder, chunk) for chunk in chunks], core.engine, folder, also)

    def _accesses(self, plan: Planned, chunks: Sequence[Chunk], sets: Mapping[str, SubjectSet]) -> tuple[Access, ...]:
        rows: Counter[str] = Counter()
        for chunk in chunks:
            rows.update(chunk.accessed)
        policy, subjects = plan.job.policy, self._live.core.subjects
        by_resource: dict[str, list[Taken]] = {}
        for access in plan.answer.accesses.values():
            by_resource.setdefault(access.face.resource.code, []).append(access)
        found = [access_of(several, subjects, policy, named=False) for several in by_resource.values()]
        return tuple(replace(access, rows=rows[access.resource], subject_set=sets.get(access.resource)) for access in found)

    async def fail(self, job: Job, reason: str, folder: Path) -> None:
        """Nothing of the job is ever offered: its state and the entry that says why are one transaction.

        Raises:
            Lost: see ``succeed``.
            LedgerUnavailable: it has not failed yet.
        """

        def fail(connection: Connection) -> None:
            if not self._store.fail(connection, job.id, reason):
                raise Lost

        await self._live.core.ledger.append_with(ended_entry(job, self.department(job), "FAILED", reason.partition(" ")[0]), fail)
        await to_thread.run_sync(placing.clear, folder)

    def department(self, job: Job) -> str | None:
        """Of the job's application."""
        app = self._live.core.registry.application(job.application)
        return app.department if app else None


def _merging() -> _Merge:
    """Loads Arrow."""
    from hub.exchange.subject_sets import merge

    return merge


def _undelivered(count: int) -> str | None:
    """What is told of a job that succeeded but for single values."""
    return f"SOURCE_VALUE {count} 个值无法交付，在文件中为空 values could not be delivered and are null in the file" if count else None
