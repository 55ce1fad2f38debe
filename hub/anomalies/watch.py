"""The watch of one hub: what calls pass by, and what works behind them. It stops no call but by a throttle; if it fails, it says so and calls go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine

from hub.acts import make_id, revisions
from hub.anomalies.alerts import COUNTER, Alerts
from hub.anomalies.counting import hour_now
from hub.anomalies.enumerating import Adding
from hub.anomalies.history import Historian
from hub.anomalies.rulebook import AnomalyRules
from hub.anomalies.service import count_pending
from hub.anomalies.sketch import Sketches
from hub.anomalies.throttle import Throttle, Throttles, read_throttles
from hub.following import Followed
from hub.ledger.append import Ledger
from hub.sharing.registry import Application
from schema.answer import Answer
from schema.plan import Plan

ADDING_SECONDS = 2.0
"""Between two additions of what was counted, where nothing hurries."""
COUNTING_SECONDS = 2.0
"""Between two looks at the log."""
HURRY = 5
"""Identifiers close to others that are added at once."""
_AT_ONCE = 2
"""Steps in one piece: the end of a process waits for its threads, and need not wait for a long log."""
_PAUSE = 0.2
_LOOK_MS = 2000
log = structlog.get_logger(__name__)


class Watch:
    """Used by the event loop."""

    def __init__(self, engine: Engine, ledger: Ledger, home: Path) -> None:
        self._engine = engine
        rules = AnomalyRules.of_home(home)
        alerts = Alerts(engine, ledger)
        self.throttles = Throttles()
        self.sketches = Sketches()
        self._adding = Adding(engine, rules, alerts)
        self.historian = Historian(engine, rules, make_id("node"), alerts.report)
        self._followed = Followed((COUNTER,), self._look, self._take)
        self._hurry = asyncio.Event()
        self._adds = asyncio.Lock()
        self._near = 0
        self._failed: set[str] = set()
        self.pending = 0
        """Alerts that nobody has judged."""

    @property
    def notices(self) -> list[str]:
        """What readiness tells besides."""
        return ["anomalies_not_watched"] if self._failed else []

    def check(self, application: Application | None, plan: Plan) -> None:
        """Counts a call against the application's throttles, if it has any.

        Raises:
            Throttled: there were too many.
        """
        if application is not None and application.client_id in self.throttles.held:
            self.throttles.take(application.client_id, [face.resource.code for face in plan.faces.values()])

    def note(self, application: Application | None, answer: Answer) -> None:
        """Takes the identifiers for which a call asked, without keeping them."""
        if application is None or not answer.asked:
            return
        if application.client_id in self.throttles.held:
            self.throttles.charge(application.client_id, answer.asked)
        try:
            near = self.sketches.note(application.client_id, answer.asked, hour_now())
        except Exception as fault:  # noqa: BLE001 - whatever is wrong with the watch, the call has its answer
            self._fail("sketch", fault)
            return
        self._near += near
        if self._near >= HURRY:
            self._hurry.set()

    async def add(self) -> None:
        """Adds up what was counted, and has it judged. When it returns, whatever was counted before the call was judged."""
        async with self._adds:
            await self._add()

    async def _add(self) -> None:
        self._near = 0
        self._hurry.clear()
        counts = self.sketches.take()
        if not counts:
            return
        try:
            await to_thread.run_sync(self._adding.add, counts)
        except BaseException:
            self.sketches.give_back(counts)
            raise
        await to_thread.run_sync(self._adding.judge, counts)

    async def count(self) -> None:
        """Counts what was published of the log, and has it judged."""
        while await to_thread.run_sync(self.historian.run, _AT_ONCE):
            continue

    async def refresh(self) -> None:
        """Takes over throttles that changed."""
        await self._followed.refresh()

    async def run(self) -> None:
        """Works until cancelled."""
        await asyncio.gather(self._followed.follow(), self._again("adding", self.add, self._awaited), self._again("counting", self.count, self._counted))

    async def _again(self, name: str, work: Callable[[], Awaitable[None]], pause: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception as fault:  # noqa: BLE001 - whatever fails, it is tried again
                self._fail(name, fault)
            else:
                if name in self._failed:
                    self._failed.discard(name)
                    log.warning("anomalies_watched", part=name)
            await pause()

    async def _awaited(self) -> None:
        await asyncio.sleep(_PAUSE)
        try:
            async with asyncio.timeout(ADDING_SECONDS):
                await self._hurry.wait()
        except TimeoutError:
            return

    @staticmethod
    async def _counted() -> None:
        await asyncio.sleep(COUNTING_SECONDS)

    def _fail(self, name: str, fault: Exception) -> None:
        if name not in self._failed:
            log.warning("anomalies_not_watched", part=name, fault=type(fault).__name__)
        self._failed.add(name)

    def _look(self) -> Mapping[str, int]:
        with self._engine.execution_options(patience=_LOOK_MS).connect() as connection:
            return revisions(connection)

    async def _take(self, _changed: frozenset[str], thread: CapacityLimiter) -> None:
        throttles, self.pending = await to_thread.run_sync(self._read, limiter=thread)
        self.throttles.replace(throttles)

    def _read(self) -> tuple[Iterable[Throttle], int]:
        with self._engine.execution_options(patience=_LOOK_MS).connect() as connection:
            return read_throttles(connection), count_pending(connection)
