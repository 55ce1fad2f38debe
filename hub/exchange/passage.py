"""The way from one chunk to the next: a job goes on, pauses while it has to, or stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from anyio import to_thread

from hub.exchange.figures import Figures
from hub.exchange.looks import NO_ROOM, Looks
from hub.exchange.planning import Planned
from hub.exchange.stops import Lost, Waiting
from hub.exchange.store import UNFINISHED, ExchangeStore, Job

Aside = Callable[[], AbstractAsyncContextManager[None]]
"""Gives a job's place to others for a while."""
_TAKING: set[asyncio.Future[object]] = set()
"""Of jobs that are about to go on, or have ended."""
PAUSE_SECONDS = 15.0
"""Between two looks whether a paused job may go on."""


class Passage:
    """Of one job. Whoever carries out its chunks asks here before each. ``began``: a chunk is done already."""

    def __init__(self, plan: Planned, looks: Looks, store: ExchangeStore, figures: Figures, set_aside: Aside, began: bool) -> None:
        self._plan = plan
        self._looks = looks
        self._store = store
        self._figures = figures
        self._set_aside = set_aside
        self._turn = asyncio.Lock()
        self._began = began
        self._short = False

    def began(self) -> None:
        """A chunk is done: the job's one call is counted against its quotas."""
        self._began = True

    def has_no_room(self) -> None:
        """The disk refused a file, whatever is said of its room: the job pauses once at least."""
        self._short = True

    async def ask(self) -> int | None:
        """Waits until another chunk may begin; how many rows the grants still give, ``None``: no limit. Says ``PAUSED`` meanwhile.

        Raises:
            Stopped: the job must not go on.
            Lost: it was cancelled, or runs elsewhere.
            Fault: the grants never give as much as one row.
        """
        return await self._until(self._look)

    async def ask_to_end(self) -> None:
        """Waits until what is written may be offered; raises as :meth:`ask` does."""
        await self._until(self._look_only)

    async def _until(self, look: Callable[[bool], Awaitable[int | None]]) -> int | None:
        async with self._turn:
            reason: str | None = None
            while True:
                try:
                    rows = await look(reason is not None)
                except Waiting as waiting:
                    reason = await self._paused(waiting.reason, reason)
                    continue
                if reason is not None:
                    await self.told(self._plan.job, ("PAUSED",), state="RUNNING", reason=None)
                return rows

    async def _look_only(self, _waits: bool) -> None:
        self._looks.check(self._plan.job, self._plan.compiled)
        self._check_short()

    async def _look(self, waits: bool) -> int | None:
        self._looks.check(self._plan.job, self._plan.compiled)
        self._looks.check_hours(self._plan.compiled)
        self._check_short()
        self._looks.check_room(waits)
        return await to_thread.run_sync(self._looks.room, self._plan, not self._began)

    def _check_short(self) -> None:
        short, self._short = self._short, False
        if short:
            raise Waiting(NO_ROOM)

    async def _paused(self, reason: str, told: str | None) -> str:
        if reason != told:
            await self.told(self._plan.job, ("RUNNING", "PAUSED"), state="PAUSED", reason=reason)
            self._figures.pauses[_kind(reason)] += told is None
        async with self._set_aside():
            await asyncio.sleep(PAUSE_SECONDS)
        return reason

    async def told(self, job: Job, only_from: tuple[str, ...] = UNFINISHED, **values: Any) -> None:
        """Changes the job as others see it.

        Raises:
            Lost: see ``ask``.
        """
        if not await to_thread.run_sync(lambda: self._store.progress(job.id, only_from, **values)):
            raise Lost


def _kind(reason: str) -> str:
    known = {"QUOTA_EXCEEDED": "quota", "RATE_LIMITED": "disk", "LEDGER_UNAVAILABLE": "ledger"}
    return known.get(reason.partition(" ")[0], "hours")


class Places(Protocol):
    """Of which a job holds one while it is carried out."""

    async def acquire(self) -> object:
        """Waits for one."""
        ...

    def release(self) -> None:
        """Gives one back."""
        ...


@asynccontextmanager
async def set_aside(places: Places) -> AsyncIterator[None]:
    """Gives a job's place to others: waiting for one source's hours must not stop the exchanges of all the others.

    A job that ends meanwhile, because it is cancelled, does not wait for a place: the one that it gives back at its end is taken when there is one.
    """
    places.release()
    ended = True
    try:
        yield
        ended = False
    finally:
        taking = asyncio.ensure_future(places.acquire())
        _TAKING.add(taking)
        taking.add_done_callback(_TAKING.discard)
        if not ended:
            await asyncio.shield(taking)
