"""A process that delivers what is due in a home, and is killed on its way, once at every point; then it is let finish.

``python -m tests.exchange.delivery.killed HOME`` prints a line of JSON for each attempt. What is slow to load is loaded once: each attempt is a fork.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from hub.app import create_app
from hub.core import open_core
from hub.exchange.delivery import deliver
from hub.exchange.delivery.mariadb_session import Session
from hub.exchange.delivery.store import DeliveryStore
from hub.exchange.delivery.table import Filling
from hub.exchange.delivery.table_mariadb import MariadbTarget
from hub.settings import Settings

POINTS = ("before the entry is noted", "in the rows", "before the switch", "within the switch", "before it is noted")
_SECONDS = 40.0


def _die(*_: object, **__: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
    raise AssertionError


def _in_the_rows(filling: Filling, go: Callable[[int, int], None]) -> Any:
    for n, batch in enumerate(_BATCHES(filling, go)):
        if n == 2:
            _die()
        yield batch


def _within(session: Session, statement: str) -> None:
    _RUN(session, statement)
    if statement.startswith("RENAME"):
        _die()


_BATCHES, _RUN = Filling.batches, Session.run


def _set(point: str) -> None:
    holder: Any
    holder, name, instead = {
        "before the entry is noted": (DeliveryStore, "entered", _die),
        "in the rows": (Filling, "batches", _in_the_rows),
        "before the switch": (MariadbTarget, "_switch", _die),
        "within the switch": (Session, "run", _within),
        "before it is noted": (DeliveryStore, "delivered", _die),
    }[point]
    setattr(holder, name, instead)


async def _deliver(home: Path) -> None:
    core = open_core(Settings(home=home, exchange_executor="inline"))
    hub = create_app(core)
    async with hub._rest.router.lifespan_context(hub._rest):
        until = time.monotonic() + _SECONDS
        while hub.deliveries._tasks or await asyncio.to_thread(hub.deliveries.store.due) or time.monotonic() < until - _SECONDS + 1:
            if time.monotonic() > until:
                raise TimeoutError
            await asyncio.sleep(0.02)


def _attempt(home: Path, point: str) -> None:
    """In a process of its own."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            deliver._LOOK_SECONDS = 0.02
            if point != "none":
                _set(point)
            asyncio.run(_deliver(home))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    sys.stdout.write(json.dumps({"point": point, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, "code": status}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for each in (*POINTS, "none"):
        _attempt(Path(sys.argv[1]), each)
