"""Whether a verification may go on, and how it waits where it may not now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from anyio import to_thread

from auth.decide import Rights
from hub.exchange.looks import NO_ROOM
from hub.exchange.reads import reads_of
from hub.exchange.resting import NO_LONGER, altered, rests_on
from hub.exchange.stops import Lost, Renewed, Stopped, Waiting
from hub.exchange.store import UNFINISHED, ExchangeStore, Job
from hub.exchange.verifying.asking import Case
from hub.exchange.window import ALWAYS, is_open
from hub.ledger.errors import LedgerUnavailable
from hub.live import Live
from hub.store.base import now

LOOK_SECONDS = 15.0
"""Between two looks of a job that waits."""
Aside = Callable[[], AbstractAsyncContextManager[None]]
"""Gives the job's place to others while it waits."""


class Looks:
    """Looks at the state in force. Lives on the event loop."""

    def __init__(self, live: Live, store: ExchangeStore) -> None:
        self._live = live
        self._store = store

    def rights(self, job: Job) -> Rights:
        """The job's rights, which are still those that it was started with.

        Raises:
            Stopped: they are not.
            LedgerUnavailable: nobody can tell.
        """
        registry = self._live.core.registry
        if self._live.stale:
            raise LedgerUnavailable("the control database cannot be read to check rights")
        if not registry.is_active(job.application):
            raise Stopped("FORBIDDEN 应用已停用 the application is disabled")
        rights = registry.rights(job.application, job.scopes)
        if not rests_on(job, rights):
            raise Stopped(NO_LONGER)
        return rights

    def check(self, case: Case) -> None:
        """Before every call: rights and catalog are still those that the job rests on, and there is room.

        Raises:
            Stopped: they are not.
            Renewed: the job has to be compiled anew.
            Waiting: there is no room.
            LedgerUnavailable: nobody can tell.
        """
        if self._live.core.space.exchanges_stopped:
            raise Waiting(NO_ROOM)
        self._check_rights(case)

    def _check_rights(self, case: Case) -> None:
        faces = self._live.view(self.rights(case.job)).faces
        for (code, _), face in case.compiled.plan.faces.items():
            current = faces.face(code)
            if code in faces.snapshot.withdrawn:
                raise Stopped(f"FORBIDDEN 资源已撤回 the resource is withdrawn: {code}")
            if current is None or current.decision != face.decision:
                raise Stopped(altered(code))
        read = (current.resource for code, _ in case.compiled.plan.faces if (current := faces.face(code)) is not None)
        if reads_of(read, faces.snapshot.sources) != case.compiled.reads:
            raise Renewed

    def closed(self, case: Case) -> str | None:
        """What is told where the source is outside the hours that its department set."""
        code = case.compiled.field.face.resource.source
        config = self._live.snapshot.sources.get(code)
        window = str(config.options.get("window", ALWAYS)) if config else ALWAYS
        return None if is_open(window, now()) else f"等待数据源开放时段 waiting for the source's hours: {code} {window}"

    async def pause(self, case: Case, reason: str, until: datetime, aside: Aside) -> None:
        """Waits, and goes on by itself, unless it may not go on any more.

        Raises:
            Lost: the job was cancelled, or another server has it.
            Stopped, Renewed: see ``check``.
        """
        await self.progress(case.job, ("RUNNING",), state="PAUSED", reason=reason)
        async with aside():
            while (left := (until - now()).total_seconds()) > 0:
                await asyncio.sleep(min(left, LOOK_SECONDS))
                if not self._live.stale:
                    self._check_rights(case)
                    # Whoever cancelled it may have done so at another server.
                    await self.progress(case.job, ("PAUSED",), reason=reason)
        await self.progress(case.job, ("PAUSED",), state="RUNNING", reason=None)

    async def progress(self, job: Job, only_from: Sequence[str] = UNFINISHED, **values: Any) -> None:
        """Changes the job.

        Raises:
            Lost: it is not this server's, or in none of the states.
        """
        if not await to_thread.run_sync(lambda: self._store.progress(job.id, only_from, **values)):
            raise Lost
