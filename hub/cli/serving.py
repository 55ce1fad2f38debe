"""Runs the hub's application in this process until it is told to end."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from types import FrameType

import orjson
import uvicorn

from hub.app import Hub
from hub.cli.draining import DrainingServer
from hub.cli.faults import CliFault
from hub.cli.listening import listen
from hub.cli.protocol import BoundedHttp
from hub.observation import places, set_up_logging
from hub.settings import Settings

_KEEP_ALIVE_SECONDS = 30
_RESOLVER_THREADS = "64"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class JsonLines(logging.Formatter):
    """Records of libraries in the shape of the hub's own. Of an exception its kind and places are told, never its text, which may quote values."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        event = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
        event["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        if record.exc_info and record.exc_info[1] is not None:
            fault = record.exc_info[1]
            return orjson.dumps(event | {"fault": type(fault).__name__, "places": places(fault)}).decode()
        return orjson.dumps(event).decode()


def set_up_logs(level: str) -> None:
    """Everything goes to standard error as JSON lines."""
    number = LEVELS[level]
    set_up_logging(sys.stderr, number)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    # uvicorn's own progress reports say nothing that the command has not said; httpx2 would log addresses, which may hold identity numbers.
    for name in ("uvicorn", "uvicorn.error", "httpx", "httpx2", "httpcore2", "asyncio", "alembic", "sqlalchemy"):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def serve(application: Hub, listener: socket.socket, settings: Settings, ready: Callable[[], None]) -> None:
    """Serves until SIGINT or SIGTERM; calls in work are finished first.

    Raises:
        CliFault: the application did not start, or the administration listener's address cannot be had.
    """
    if settings.admin_port and settings.admin_port == settings.port:
        raise CliFault(f"管理端口与服务端口相同 the administration port is the hub's own: {settings.port}", "HUITONG_ADMIN_PORT=9464")
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
