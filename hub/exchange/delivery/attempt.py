"""One attempt at one delivery: a worker thread brings the files, and asks the event loop before each piece whether they may still leave."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson
from anyio import to_thread

from connectors.threads import Threads
from hub.exchange.delivery.config import Destination
from hub.exchange.delivery.entries import leaving
from hub.exchange.delivery.faults import DeliveryFault, Interrupted, Lost
from hub.exchange.delivery.store import Delivery, DeliveryStore
from hub.exchange.delivery.target import Parcel, open_target
from hub.exchange.granted import still_granted
from hub.exchange.manifest import entry_of, files_digest, manifest_of
from hub.exchange.store import Job
from hub.live import Live
from hub.sharing.registry import Application
from schema.faces import Face
from schema.faults import Code

T = TypeVar("T")
_TELL_SECONDS = 2.0


class Attempt:
    """Belongs to one claimed delivery. ``sent`` are the bytes that have left; ``None`` before any were about to."""

    def __init__(self, live: Live, store: DeliveryStore, delivery: Delivery, job: Job, destination: Destination, roots: tuple[str, ...], folder: Path) -> None:
        self._live = live
        self._store = store
        self._delivery = delivery
        self._job = job
        self._destination = destination
        self._roots = roots
        self._folder = folder
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._seen: tuple[object, object] = (None, None)
        self._faces: Sequence[Face] = ()
        self._told = self._moved = time.monotonic()
        self.sent: int | None = None

    @property
    def silence(self) -> float:
        """Seconds since a piece was about to leave."""
        return time.monotonic() - self._moved

    async def carry_out(self) -> None:
        """Brings everything there, and notes that it has arrived.

        Raises:
            DeliveryFault: it came to nothing.
            Fault: the files may not leave.
            Lost: another server has the delivery.
            Interrupted: :meth:`stop` was called.
        """
        self._look()
        parcel = await self._parcel()
        # A destination that takes connections and answers nothing holds its thread: whoever cancels this leaves it to itself, and so does a hub that ends.
        place = await Threads("huitong-delivery", 1).run(self._bring, parcel)
        if not await to_thread.run_sync(self._store.delivered, self._job.id, place, parcel.rows, parcel.bytes):
            raise Lost

    def stop(self) -> None:
        """Ends it before its next piece."""
        self._stopping.set()

    async def _parcel(self) -> Parcel:
        job = self._job
        entry = await to_thread.run_sync(entry_of, job, self._live.core.engine)
        if entry is None or job.finished_at is None:
            raise DeliveryFault(Code.INTERNAL, "批量交换的日志记录尚未登记", "the exchange's ledger entry is not noted yet")
        manifest = orjson.dumps(await manifest_of(job, entry, self._live.core.log), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
        return Parcel(job.id, self._delivery.attempts, job.format, self._folder, job.files, files_digest(job.files), manifest, job.finished_at)

    def _bring(self, parcel: Parcel) -> str:
        with open_target(self._destination, self._roots, parcel) as target:
            if not target.there():
                self._ask(self._enter(parcel))
                target.deliver(self._go)
            return target.place

    def _go(self, rows: int, sent: int) -> None:
        if self._stopping.is_set():
            raise Interrupted
        self._moved = time.monotonic()
        self._ask(self._looked())
        self.sent = sent
        if time.monotonic() - self._told >= _TELL_SECONDS:
            self._told = time.monotonic()
            if not self._store.progress(self._job.id, rows, sent):
                raise Lost

    def _ask(self, what: Coroutine[Any, Any, T]) -> T:
        """From the worker thread, or one of a driver's own."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _enter(self, parcel: Parcel) -> None:
        self._look()
        draft = leaving(self._job, self._application(), self._faces, parcel, self._destination)
        receipt = await self._live.core.ledger.append(draft)
        self.sent = 0
        if not await to_thread.run_sync(self._store.entered, self._job.id, receipt.entry):
            raise Lost

    async def _looked(self) -> None:
        self._look()

    def _look(self) -> None:
        """The rights of the moment are compared with those of the job wherever rights or catalog have changed, as for downloads."""
        if self._live.stale:
            raise DeliveryFault(Code.LEDGER_UNAVAILABLE, "控制库不可读，无法核对权限", "the control database cannot be read to check rights")
        self._live.core.ledger.check_release()
        app = self._application()
        rights = self._live.core.registry.rights(app.client_id, self._job.scopes)
        if rights is not self._seen[0] or self._live.snapshot is not self._seen[1]:
            self._faces = still_granted(self._live, rights, self._job)
            self._seen = rights, self._live.snapshot

    def _application(self) -> Application:
        app = self._live.core.registry.application(self._job.application)
        if app is None or not app.active:
            raise DeliveryFault(Code.FORBIDDEN, "应用已停用", "the application is disabled", lasting=True)
        if not self._destination.open_to(app.client_id, app.name):
            raise DeliveryFault(Code.FORBIDDEN, "该应用不得使用此投递目标", "the application may not use this destination", lasting=True)
        return app
