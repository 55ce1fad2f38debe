"""Ports that others listen on already, told in a line and by exit code 2, where Locust would show a traceback and judge a run that never began."""

from __future__ import annotations

import errno
import logging
import socket
import sys
from types import TracebackType

from locust.exception import RPCError

_log = logging.getLogger("loadtests")
_REMEDY = "停止占用该端口的程序，或以 {option} 指定其他端口 stop what listens there, or name another one by {option}"


def check_web(host: str, port: int) -> None:
    """Ends with 2 where the page cannot be served there.

    Locust itself would find out later, in a greenlet of its own.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as tried:
            # As the page's server does: what the last one left behind is no listener.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            tried.listen()
    except (OSError, OverflowError) as error:
        _log.error("%s", told("--web-port", f"{host}:{port}", error))
        sys.exit(2)


def told(option: str, place: str, error: Exception) -> str:
    """What is said of an address that cannot be listened on."""
    busy = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
    why = "端口已被占用 the port is in use" if busy else str(error)
    return f"{option}: 无法监听 cannot listen on {place}: {why}: {_REMEDY.format(option=option)}"


def tell_of_masters() -> None:
    """Has a master that cannot listen for its workers say so: Locust makes it before it calls any listener of its events."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, RPCError) and "bind" in str(error):
            _log.error("--master-bind-port: %s: %s", error, _REMEDY.format(option="--master-bind-port"))
            sys.exit(2)
        before(kind, error, trace)

    sys.excepthook = hook
