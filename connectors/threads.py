"""Blocking work of one source in threads of its own: what hangs there keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """At most ``most`` at once. A thread that never ends keeps its place, and does not keep the hub from ending."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._places = asyncio.Semaphore(most)

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """What the work returns or raises. Cancelled, nobody waits for it any more; it goes on to its end."""
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()

        def leave(_future: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits for a place
                loop.call_soon_threadsafe(self._places.release)

        future.add_done_callback(leave)
        threading.Thread(target=_into, args=(future, work, arguments), name=self._name, daemon=True).start()
        return await asyncio.wrap_future(future)


def _into(future: Future[T], work: Callable[..., T], arguments: tuple[Any, ...]) -> None:
    try:
        result = work(*arguments)
    except BaseException as fault:  # noqa: BLE001 - it is raised where the work is waited for
        future.set_exception(fault)
    else:
        future.set_result(result)
