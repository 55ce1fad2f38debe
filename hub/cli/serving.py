"""Runs the hub's application in this process until it is told to end."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import orjson
import uvicorn

from hub.cli.faults import CliFault
from hub.cli.protocol import BoundedHttp
from hub.observation import places, set_up_logging
from hub.settings import Settings

_GRACE_SECONDS = 10
_KEEP_ALIVE_SECONDS = 30
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


def serve(application: Any, listener: socket.socket, settings: Settings, ready: Callable[[], None]) -> None:
    """Serves until SIGINT or SIGTERM; calls in work are finished first.

    Raises:
        CliFault: the application did not start.
    """
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
        timeout_graceful_shutdown=int(min(settings.request_seconds, _GRACE_SECONDS)),
    )
    server = _Server(config, ready)
    # uvicorn raises the signals that ended it once more when it is done; here their work is done by then.
    before = {number: signal.signal(number, _ended) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # uvicorn's answer to a lifespan that failed; the log says why.
        raise CliFault("汇通未能启动 the hub did not start; the log above says why", "huitong doctor") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _ended(_number: int, _frame: FrameType | None) -> None:
    """Nothing is left to do."""
