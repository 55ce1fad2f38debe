"""Uploads are deleted once they were used, or after a day; each disposal has its entry (APP-08). They hold personal data."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from anyio import to_thread
from sqlalchemy import Connection

from hub.acts import make_id
from hub.exchange.disposal import sweeping
from hub.exchange.verifying.store import Upload, UploadStore
from hub.ledger.append import Ledger
from hub.ledger.entry import EntryDraft

LEFT_SECONDS = 3600.0
"""What a server left behind that ended in the middle of an upload is older than that."""


class _Done(Exception):
    """Another server was first."""


async def dispose(ledger: Ledger, store: UploadStore, upload: Upload, draft: EntryDraft) -> None:
    """Deletes an upload's rows, and enters that it was done."""
    await to_thread.run_sync(partial(store.path(upload.id).unlink, missing_ok=True))

    def work(connection: Connection) -> None:
        if not store.dispose(connection, upload.id):
            raise _Done

    with suppress(_Done):
        await ledger.append_with(draft, work)


class UploadDisposal:
    """Disposes of uploads whose time is over. Those that lie with another server are that server's, unless this one is ``alone``."""

    def __init__(self, store: UploadStore, ledger: Ledger, alone: bool) -> None:
        self._store = store
        self._ledger = ledger
        self._alone = alone

    async def run(self) -> None:
        """Until cancelled."""
        await sweeping(self.sweep, "uploads_not_swept")

    async def sweep(self) -> None:
        """All that is due now, and what uploads left behind that broke off."""
        await self.dispose_due()
        await to_thread.run_sync(self._clear)

    async def dispose_due(self, application: str | None = None) -> None:
        """Those that were used, and those whose time is over: the application's, or all.

        Raises:
            OSError: a file could not be deleted; all others were.
        """
        failed: OSError | None = None
        for upload in await to_thread.run_sync(self._store.due, application):
            if self._alone or await to_thread.run_sync(self._store.path(upload.id).exists):
                details = {"actor": "hub", "act": "disposeUpload", "target": upload.id}
                draft = EntryDraft(kind="admin", call=make_id("act"), outcome="OK", operation="disposeUpload", details=details)
                try:
                    await dispose(self._ledger, self._store, upload, draft)
                except OSError as fault:
                    failed = fault
        if failed is not None:
            raise failed

    def _clear(self) -> None:
        before = time.time() - LEFT_SECONDS
        old = [path for path in self._store.folder.glob("*") if path.is_file() and _touched(path) < before]
        known = self._store.known([path.name for path in old])
        for path in old:
            if path.name not in known:
                path.unlink(missing_ok=True)


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
