"""Runs the hub's application in this process until it is told to end."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

import uvicorn

from hub.app import Hub
from hub.cli.draining import DrainingServer
from hub.cli.faults import CliFault
from hub.cli.listening import listen
from hub.cli.protocol import BoundedHttp
from hub.heap import keep_few_arenas
from hub.settings import Settings

_KEEP_ALIVE_SECONDS = 30
_RESOLVER_THREADS = "64"


def serve(application: Hub, listener: socket.socket, settings: Settings, ready: Callable[[], None]) -> None:
    """Serves until SIGINT or SIGTERM; calls in work are finished first.

    Raises:
        CliFault: the application did not start, or the administration listener's address cannot be had.
    """
    if settings.admin_port and settings.admin_port == settings.port:
        raise CliFault(f"管理端口与服务端口相同 the administration port is the hub's own: {settings.port}", "HUITONG_ADMIN_PORT=9464")
    keep_few_arenas()
    _widen_resolver()
    config = uvicorn.Config(
        application,
        http=BoundedHttp,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    server = DrainingServer(config, settings.drain_seconds, ready, application.drain)
    # uvicorn raises the signals that ended it once more when it is done; here their work is done by then.
    before = {number: signal.signal(number, _ended) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with ExitStack() as held:
            admin = [held.enter_context(listen(settings.admin_host, settings.admin_port, "HUITONG_ADMIN_PORT"))] if settings.admin_port else []
            server.run(sockets=[listener, *admin])
    except SystemExit:
        # uvicorn's answer to a lifespan that failed; the log says why.
        raise CliFault("汇通未能启动 the hub did not start; the log above says why", "huitong doctor") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _widen_resolver() -> None:
    """uvloop looks names up in libuv's threads, of which half may do so and there are four: two names that hang would stop all look-ups."""
    os.environ.setdefault("UV_THREADPOOL_SIZE", _RESOLVER_THREADS)


def _ended(_number: int, _frame: FrameType | None) -> None:
    """Nothing is left to do."""
