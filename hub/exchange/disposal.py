"""Files of exchanges are deleted when their time is over; each disposal has its entry, which says what was deleted (APP-08)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

import structlog
from anyio import to_thread
from sqlalchemy import Connection, delete
from sqlalchemy.exc import SQLAlchemyError

from hub.acts import make_id
from hub.exchange import placing
from hub.exchange.manifest import files_digest
from hub.exchange.store import ExchangeStore, Job
from hub.exchange.tables import exchange_chunk
from hub.ledger.append import Ledger
from hub.ledger.entry import EntryDraft, Json
from hub.ledger.errors import LedgerUnavailable

SWEEP_SECONDS = 30.0
_NAMED = 100
"""Files that an entry names one by one, at most."""
log = structlog.get_logger(__name__)


async def sweeping(sweep: Callable[[], Awaitable[None]], failed: str) -> None:
    """Sweeps again and again until cancelled; what keeps one sweep from its end is told as ``failed``, and the next one tries again."""
    while True:
        try:
            await sweep()
        except (SQLAlchemyError, LedgerUnavailable, OSError) as fault:
            log.warning(failed, fault=type(fault).__name__)
        await asyncio.sleep(SWEEP_SECONDS)


class Disposal:
    """Disposes of what lies in ``exchanges``. Files that lie with another server are that server's to delete, unless this one is ``alone``."""

    def __init__(self, store: ExchangeStore, ledger: Ledger, exchanges: Path, alone: bool) -> None:
        self._store = store
        self._ledger = ledger
        self._exchanges = exchanges
        self._alone = alone

    async def run(self) -> None:
        """Until cancelled."""
        await sweeping(self.sweep, "exchanges_not_swept")

    async def sweep(self) -> None:
        """All that is due now, and what jobs left behind that ended without a file to give."""
        for number in await to_thread.run_sync(self._store.expired):
            await self._expire(number)
        await to_thread.run_sync(self._tidy)
        for number in await to_thread.run_sync(self._left_behind):
            found = await to_thread.run_sync(self._clear, number)
            if found:
                await self._ledger.append_with(disposed(number, {"files": len(found), "bytes": sum(found)}), self._forgetting(number))

    async def _expire(self, number: str) -> None:
        """Deletes, then enters what was deleted, with the job's new state: of several servers that share the folder, one does."""
        folder = self._exchanges / number
        job = await to_thread.run_sync(self._store.job, number)
        if job is None or not (self._alone or await to_thread.run_sync(folder.is_dir)):
            return
        await to_thread.run_sync(_emptied, folder)
        forgetting = self._forgetting(number)

        def change(connection: Connection) -> None:
            if not self._store.expire(connection, number):
                raise _Done
            forgetting(connection)

        with suppress(_Done):
            await self._ledger.append_with(disposed(number, _deleted(job)), change)
        # Whoever was stopped before this finds the folder, and goes on from there.
        await to_thread.run_sync(_removed, folder)

    def _forgetting(self, number: str) -> Callable[[Connection], None]:
        def forget(connection: Connection) -> None:
            """Where chunks began and ended holds keys of the source, though sealed."""
            connection.execute(delete(exchange_chunk).where(exchange_chunk.c.exchange == number))

        return forget

    def _tidy(self) -> None:
        """Takes away what a server that was killed left beside the files of jobs that had just succeeded: whom their rows concern, as hashes."""
        untidy = [folder.name for folder in self._exchanges.glob("*") if folder.is_dir() and any(folder.glob(".*"))]
        for number in self._store.over(untidy, ("SUCCEEDED",)):
            placing.tidy_hidden(self._exchanges / number)

    def _left_behind(self) -> list[str]:
        """Of the folders that lie here, those of jobs that will give nothing any more."""
        return self._store.over([folder.name for folder in self._exchanges.glob("*") if folder.is_dir()])

    def _clear(self, number: str) -> list[int]:
        """Takes the folder away; the sizes of files in it. A server that writes there still has lost the job, and puts nothing in place."""
        found = _emptied(self._exchanges / number)
        _removed(self._exchanges / number)
        return found


class _Done(Exception):
    """Another server was first."""


def disposed(number: str, deleted: Mapping[str, Json]) -> EntryDraft:
    """The entry of a disposal."""
    details: dict[str, Json] = {"actor": "hub", "act": "disposeExchange", "target": number, **deleted}
    return EntryDraft(kind="admin", call=make_id("act"), outcome="OK", operation="disposeExchange", details=details)


def _deleted(job: Job) -> dict[str, Json]:
    """What was deleted, by the names of the manifest; ``sha256`` is the digest of its whole list of files."""
    files = job.files[:_NAMED]
    return {
        "files": len(job.files),
        "rows": sum(file.rows for file in job.files),
        "bytes": sum(file.bytes for file in job.files),
        "sha256": files_digest(job.files),
        "deleted": [{"name": file.name, "sha256": file.sha256} for file in files],
    }


def _emptied(folder: Path) -> list[int]:
    """Deletes all files, drafts and chunks among them; their sizes."""
    found = []
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):
            size = path.lstat().st_size
            path.unlink()
            found.append(size)
    return found


def _removed(folder: Path) -> None:
    # Somebody else may be at it, or put a draft there just now.
    with suppress(OSError):
        folder.rmdir()
