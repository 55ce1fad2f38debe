"""Runs a witness in this process until it is told to end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from hub.cli.draining import DrainingServer
from hub.cli.protocol import BoundedHttp
from hub.witness.http import witness_application
from hub.witness.witness import Witness

_AT_ONCE = 256
_DRAIN_SECONDS = 5.0
_KEEP_ALIVE_SECONDS = 60


def serve_witness(witness: Witness, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serves until SIGINT or SIGTERM; requests in work are finished first."""
    config = uvicorn.Config(
        witness_application(witness),
        http=BoundedHttp,
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        limit_concurrency=_AT_ONCE,
    )
    # uvicorn raises the signals that ended it once more when it is done; here their work is done by then.
    before = {number: signal.signal(number, _ended) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        DrainingServer(config, _DRAIN_SECONDS, ready, lambda: None).run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        witness.close()


def _ended(_number: int, _frame: FrameType | None) -> None:
    """Nothing is left to do."""
