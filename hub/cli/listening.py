"""The listening socket, taken before anything else is done, so that a port in use is told at once."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from auth.server import check_issuer
from hub.cli.faults import FAILED, NOT_REACHABLE, CliFault
from hub.settings import Settings

_BACKLOG = 1024
_STALL_MS = 60_000
"""Whoever takes nothing of what was sent for so long, though the connection stands, is cut off: else a connection and its buffers would be held
for as long as a reader likes (Linux; elsewhere downloads alone end so)."""


def listen(host: str, port: int, setting: str = "PORT", *, together: bool = False) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. ``setting``: the environment variable that gave the port, for the remedy.

    ``together``: the port may be taken by several sockets of this user that all say so, and the kernel spreads connections over those that
    listen (SO_REUSEPORT). This one does not yet, so that nobody waits at a worker that is only starting.

    Raises:
        CliFault: the address cannot be had; exit code 3.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError:
        raise CliFault(f"主机名无法解析 the host name cannot be resolved: {host}", f"{setting.replace('PORT', 'HOST')}=127.0.0.1", NOT_REACHABLE) from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALL_MS)
    if together:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
        if not together:
            listener.listen(_BACKLOG)
    except OSError as fault:
        listener.close()
        raise _explained(host, port, fault, setting) from None
    listener.set_inheritable(False)
    return listener


def probe(host: str, port: int, setting: str = "PORT") -> None:
    """Raises what :func:`listen` would raise now, and takes nothing."""
    listen(host, port, setting).close()


def check_address(settings: Settings) -> None:
    """Raises :class:`CliFault` where the hub's public address cannot name an issuer of tokens."""
    try:
        check_issuer(settings.url)
    except ValueError as fault:
        raise CliFault(f"{fault}", "HUITONG_PUBLIC_URL=https://hub.example", FAILED) from None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _explained(host: str, port: int, fault: OSError, setting: str) -> CliFault:
    if fault.errno == errno.EADDRINUSE:
        return CliFault(
            f"端口已被占用 the port is in use: {host}:{port}",
            f"请停止占用者，或换用其他端口 stop who uses it, or choose another port: {setting}={port + 1 if port < 65535 else 8000}",
            NOT_REACHABLE,
        )
    if fault.errno == errno.EACCES:
        return CliFault(f"无权使用端口 this user may not take the port: {host}:{port}", f"{setting}={8000 if setting == 'PORT' else 9464}", NOT_REACHABLE)
    return CliFault(f"无法监听 cannot listen on {host}:{port}: {fault.strerror}", f"{setting.replace('PORT', 'HOST')}=127.0.0.1", NOT_REACHABLE)
