"""Carries deliveries out: takes those that are due, tries again what may succeed later, ends what cannot."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import structlog
from anyio import to_thread
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.exchange.delivery.attempt import Attempt
from hub.exchange.delivery.config import Destination
from hub.exchange.delivery.destinations import Destinations, DestinationsFault
from hub.exchange.delivery.entries import failing
from hub.exchange.delivery.faults import DeliveryFault, Interrupted, Lost, unreachable
from hub.exchange.delivery.store import Delivery, DeliveryStore
from hub.exchange.store import ExchangeStore, Job
from hub.ledger.errors import LedgerUnavailable
from hub.live import Live
from hub.observation import places
from schema.faults import Code, Fault

_AT_ONCE = 2
_LOOK_SECONDS = 1.0
_RENEW_SECONDS = 10.0
FIRST_PAUSE = timedelta(seconds=10)
SILENCE_SECONDS = 1800.0
"""So long after a piece was about to leave, a destination is taken not to answer any more."""
_END_SECONDS = 10.0
"""How long attempts that are told to stop are waited for."""
log = structlog.get_logger(__name__)


class Deliveries:
    """The deliveries of this server process. Lives on the event loop."""

    def __init__(self, live: Live, jobs: ExchangeStore, destinations: Destinations, first_pause: timedelta = FIRST_PAUSE) -> None:
        self._live = live
        self._jobs = jobs
        self._destinations = destinations
        self._alone = not live.core.settings.shared
        self.store = DeliveryStore(live.core.engine, jobs.node, self._alone)
        self._first_pause = first_pause
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._going: dict[str, str] = {}
        """Destinations of deliveries that run here, by job: one delivery at a time to each."""
        self._attempts: dict[str, Attempt] = {}
        self._silent: set[str] = set()
        """Jobs whose destinations do not answer."""

    async def run(self) -> None:
        """Until cancelled; what runs then is stopped, and left to whoever comes next."""
        renewed = time.monotonic()
        try:
            while True:
                try:
                    await self.begin()
                    self._leave_silent()
                    if time.monotonic() - renewed >= _RENEW_SECONDS:
                        renewed = time.monotonic()
                        await to_thread.run_sync(self.store.renew, list(self._tasks))
                except SQLAlchemyError as fault:
                    log.warning("deliveries_not_seen", fault=type(fault).__name__)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            await self._close()

    async def begin(self) -> None:
        """Begins what is due, as far as there are places."""
        for delivery in await to_thread.run_sync(self.store.due):
            if len(self._tasks) >= _AT_ONCE:
                return
            if delivery.exchange not in self._tasks and delivery.destination not in self._going.values() and await to_thread.run_sync(self._is_here, delivery):
                self._start(delivery)

    def _start(self, delivery: Delivery) -> None:
        job = delivery.exchange
        self._going[job] = delivery.destination
        task = self._tasks[job] = asyncio.create_task(self._carry_out(job))

        def ended(_: object) -> None:
            for held in (self._tasks, self._going, self._attempts):
                held.pop(job, None)
            self._silent.discard(job)

        task.add_done_callback(ended)

    def _leave_silent(self) -> None:
        for job, attempt in self._attempts.items():
            # Once: what follows, an entry and a row, is not to be cut off.
            if job not in self._silent and attempt.silence > SILENCE_SECONDS:
                attempt.stop()
                self._silent.add(job)
                self._tasks[job].cancel()

    def _is_here(self, delivery: Delivery) -> bool:
        """Files that lie with another server are that server's to deliver."""
        return self._alone or self._folder(delivery.exchange).is_dir()

    def _folder(self, job: str) -> Path:
        return self._live.core.settings.exchanges / job

    async def _close(self) -> None:
        for attempt in self._attempts.values():
            attempt.stop()
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_END_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=_END_SECONDS)
        try:
            await to_thread.run_sync(self.store.release)
        except SQLAlchemyError as fault:
            log.warning("deliveries_not_released", fault=type(fault).__name__)

    async def _carry_out(self, number: str) -> None:
        try:
            delivery = await to_thread.run_sync(self.store.claim, number)
            job = await to_thread.run_sync(self._jobs.job, number)
            if delivery is None or job is None:
                return
            await self._try(delivery, job)
        except (Lost, Interrupted):
            return
        except (SQLAlchemyError, LedgerUnavailable) as fault:
            # Nobody can be told now; when the delivery is held no longer, it is begun anew.
            log.warning("delivery_interrupted", exchange=number, fault=type(fault).__name__)

    async def _try(self, delivery: Delivery, job: Job) -> None:
        destination: Destination | None = None
        try:
            destination, roots = self._configured(delivery, job)
            attempt = Attempt(self._live, self.store, delivery, job, destination, roots, self._folder(job.id))
            self._attempts[job.id] = attempt
            await self._answered(job.id, attempt)
        except DeliveryFault as fault:
            await self._end(delivery, job, destination, fault)
        except Fault as fault:
            await self._end(delivery, job, destination, DeliveryFault(fault.code, fault.zh, fault.en, lasting=True))
        except LedgerUnavailable:
            unwritten = DeliveryFault(
                Code.LEDGER_UNAVAILABLE, "调用日志不可写或逾期未获见证", "the ledger cannot be written, or has gone unwitnessed for too long"
            )
            await to_thread.run_sync(self.store.later, delivery, unwritten.reason, self._first_pause)
        except (Lost, Interrupted, SQLAlchemyError):
            raise
        except Exception as fault:  # noqa: BLE001 - a delivery that fails must say so, whatever it was
            log.error("delivery_failed", exchange=job.id, fault=type(fault).__name__, places=places(fault))
            await self._end(delivery, job, destination, DeliveryFault(Code.INTERNAL, "平台内部错误", "internal error of the hub"))

    async def _answered(self, job: str, attempt: Attempt) -> None:
        try:
            await attempt.carry_out()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if job not in self._silent or task is None or task.uncancel():
                raise
            log.warning("delivery_silent", exchange=job)
            raise unreachable("目标长时间无响应", "the destination has not answered for a long time") from None

    def _configured(self, delivery: Delivery, job: Job) -> tuple[Destination, tuple[str, ...]]:
        if job.state != "SUCCEEDED":
            raise DeliveryFault(Code.NOT_FOUND, "文件已到期处置", "the files were disposed of", lasting=True)
        try:
            found, roots = self._destinations.find(delivery.destination), self._destinations.content().roots
        except DestinationsFault:
            raise DeliveryFault(Code.INTERNAL, "投递目标的配置有误", "the configuration of destinations has a fault") from None
        if found is None:
            raise DeliveryFault(Code.NOT_FOUND, f"投递目标 {delivery.destination} 已不存在", f"there is no destination {delivery.destination} any more")
        return found, roots

    async def _end(self, delivery: Delivery, job: Job, destination: Destination | None, fault: DeliveryFault) -> None:
        """Later, where there is a later; else it has failed, and that is entered."""
        attempt = self._attempts.get(job.id)
        app = self._live.core.registry.application(job.application)
        draft = failing(job, app.department if app else None, delivery, destination, fault.code, attempt.sent if attempt else None)
        if not fault.lasting and await to_thread.run_sync(self.store.later, delivery, fault.reason, self._first_pause):
            if attempt is not None and attempt.sent is not None:
                await self._live.core.ledger.append(draft)
            return

        def failed(connection: Connection) -> None:
            if not self.store.failed(connection, job.id, fault.reason):
                raise Lost

        await self._live.core.ledger.append_with(draft, failed)
