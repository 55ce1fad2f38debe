"""Sessions of drivers that block (DB-API 2.0, PEP 249): each in a thread of its own, never on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from connectors.sql.driver import ConnectionLost
from connectors.sql.pace import Pace

T = TypeVar("T")
_CANCEL_EVERY = 0.05
"""Seconds. A cancellation that arrives before the statement has begun is lost, so it is repeated."""
_CANCEL_SECONDS = 2.0
"""How long a statement is asked to stop; then its session is given up, and its thread ends with the statement."""


class Session(Protocol):
    """What a driver's module does with one connection; every method may block."""

    def rows(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows of a statement."""
        ...

    def begin(self, text: str, arguments: Sequence[Any]) -> None:
        """Runs a statement whose rows :meth:`some` takes."""
        ...

    def some(self, rows: int) -> Sequence[Sequence[Any]]:
        """The next rows; none behind the last."""
        ...

    def cancel(self) -> None:
        """Asks the server to stop the running statement; called from another thread."""
        ...

    def lost(self, error: Exception) -> bool:
        """The error says that the connection is gone."""
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...


class ThreadedConnection:
    """A session and its thread. See :class:`connectors.sql.driver.Connection`."""

    def __init__(self, session: Session, thread: ThreadPoolExecutor, errors: tuple[type[Exception], ...]) -> None:
        self.reused = False
        self._session = session
        self._thread = thread
        self._errors = errors
        self._sound = True

    async def fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows."""
        return await self._ran(self._session.rows, text, arguments)

    async def batches(self, text: str, arguments: Sequence[Any], rows: int) -> AsyncGenerator[Sequence[Sequence[Any]], None]:
        """By a cursor of the session."""
        await self._ran(self._session.begin, text, arguments)
        pace = Pace(rows)
        while batch := await self._ran(self._session.some, pace.rows):
            pace.note(batch)
            yield batch

    async def _ran(self, work: Callable[..., T], *arguments: Any) -> T:
        running = asyncio.wrap_future(self._thread.submit(work, *arguments))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._sound = False
            await self._stop(running)
            raise
        except self._errors as error:
            if self._session.lost(error):
                self._sound = False
                raise ConnectionLost from error
            raise

    async def _stop(self, running: asyncio.Future[Any]) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + _CANCEL_SECONDS
        running.add_done_callback(_seen)
        while not running.done() and loop.time() < until:
            await asyncio.to_thread(self._session.cancel)
            await asyncio.wait({running}, timeout=_CANCEL_EVERY)

    def usable(self) -> bool:
        """Never after a cancelled statement: its server may be the reason for the delay."""
        return self._sound

    async def close(self) -> None:
        """Says goodbye where nothing runs; else leaves the thread to end with its statement."""
        closing = self._thread.submit(self._session.close)
        self._thread.shutdown(wait=False)
        await asyncio.wait({asyncio.wrap_future(closing)}, timeout=_CANCEL_SECONDS)


def _seen(ended: asyncio.Future[Any]) -> None:
    # What a stopped statement says concerns nobody any more.
    if not ended.cancelled():
        ended.exception()


async def connected(connect: Callable[[], Session], errors: tuple[type[Exception], ...]) -> ThreadedConnection:
    """A new session in a new thread."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="source")
    try:
        session = await asyncio.wrap_future(thread.submit(connect))
    except BaseException:
        thread.shutdown(wait=False)
        raise
    return ThreadedConnection(session, thread, errors)
