"""Files of exchanges are deleted when their time is over; each disposal has its entry (APP-08)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import structlog
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError

from hub.acts import make_id
from hub.exchange.store import ExchangeStore
from hub.ledger.append import Ledger
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import LedgerUnavailable

SWEEP_SECONDS = 30.0
log = structlog.get_logger(__name__)


class Disposal:
    """Disposes of what lies in ``exchanges``. Files that lie with another server are that server's to delete, unless this one is ``alone``."""

    def __init__(self, store: ExchangeStore, ledger: Ledger, exchanges: Path, alone: bool) -> None:
        self._store = store
        self._ledger = ledger
        self._exchanges = exchanges
        self._alone = alone

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.sweep()
            except (SQLAlchemyError, LedgerUnavailable, OSError) as fault:
                log.warning("exchanges_not_swept", fault=type(fault).__name__)
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """All that is due now, and what jobs left behind that ended without a file to give."""
        for job in await to_thread.run_sync(self._store.expired):
            if await to_thread.run_sync(self._delete, job):
                await self._enter(job)
        for job in await to_thread.run_sync(self._left_behind):
            if await to_thread.run_sync(self._clear, job):
                await self._enter(job)

    async def _enter(self, job: str) -> None:
        details = {"actor": "hub", "act": "disposeExchange", "target": job}
        await self._ledger.append(EntryDraft(kind="admin", call=make_id("act"), outcome="OK", operation="disposeExchange", details=details))

    def _left_behind(self) -> list[str]:
        """Of the folders that lie here, those of jobs that will give nothing any more."""
        return self._store.over([folder.name for folder in self._exchanges.glob("*") if folder.is_dir()])

    def _clear(self, job: str) -> bool:
        """Takes the folder away; whether there was a file in it. A server that writes there still has lost the job, and puts nothing in place."""
        found = 0
        for path in (folder := self._exchanges / job).glob("*"):
            with suppress(FileNotFoundError):
                path.unlink()
                found += 1
        # Somebody else may be at it, or put a draft there just now.
        with suppress(OSError):
            folder.rmdir()
        return found > 0

    def _delete(self, job: str) -> bool:
        """Whether this server disposed of the job: of several that share the folder, one is first."""
        folder = self._exchanges / job
        if not self._alone and not folder.is_dir():
            return False
        for path in folder.glob("*"):
            path.unlink(missing_ok=True)
        return self._store.change(job, ("SUCCEEDED",), state="EXPIRED")
