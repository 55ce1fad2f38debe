"""How many jobs of exchanges a server has in work at once, over all and of each application: nobody's exchanges keep everybody else's waiting."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass


class JobPlaces:
    """``most`` places, of which one application holds ``each`` at most. Who waits is let in as he came, but for those whose share is taken."""

    def __init__(self, most: int, each: int) -> None:
        self._most = most
        self._each = each
        self._held: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    def of(self, application: str) -> Share:
        """The places of one application."""
        return Share(self, application)

    async def acquire(self, application: str) -> None:
        """Waits for a place."""
        if not self._waiting and self._may(application):
            self._held[application] += 1
            return
        let_in: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (application, let_in)
        self._waiting.append(waiting)
        self._admit()
        try:
            await let_in
        except asyncio.CancelledError:
            if let_in.done() and not let_in.cancelled():
                self.release(application)
            else:
                self._waiting.remove(waiting)
            raise

    def release(self, application: str) -> None:
        """Gives a place back."""
        self._held[application] -= 1
        if not self._held[application]:
            del self._held[application]
        self._admit()

    def _may(self, application: str) -> bool:
        return self._held.total() < self._most and self._held[application] < self._each

    def _admit(self) -> None:
        for waiting in list(self._waiting):
            application, let_in = waiting
            if not let_in.done() and self._may(application):
                self._waiting.remove(waiting)
                self._held[application] += 1
                let_in.set_result(None)


@dataclass(frozen=True, slots=True)
class Share:
    """The places of one application, as one of which a block holds one."""

    places: JobPlaces
    application: str

    async def acquire(self) -> None:
        """Waits for one."""
        await self.places.acquire(self.application)

    def release(self) -> None:
        """Gives one back."""
        self.places.release(self.application)

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *_: object) -> None:
        self.release()
