"""Connections to a service: checked where they are made, no proxies, no cookies, no redirects."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from functools import lru_cache
from pathlib import Path

import httpcore2
import httpx2

from connectors.rest.addresses import forbidden
from connectors.threads import Threads

_HEADSTART = 1.0
"""Seconds for each of a host's addresses but the last."""
_RESOLVERS = 4
"""Threads of one source: a name server that does not answer holds a thread for many seconds, and no other source waits for it."""

# At DEBUG it writes answers' headers into the log.
logging.getLogger("httpcore2").setLevel(logging.INFO)


class ForbiddenAddress(Exception):
    """A host's name leads to an address that is never asked."""


class CheckedBackend(httpcore2.AnyIOBackend):
    """Connects to addresses that were checked: what is resolved is what is connected to, so that no name can lead elsewhere in between."""

    def __init__(self) -> None:
        self._threads = Threads("resolver", _RESOLVERS)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class calls it by this name
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first of the host's addresses that answers.

        Raises:
            ForbiddenAddress: one of them is never asked.
        """
        *others, last = await self._threads.run(_addresses, host, port)
        for address in others:
            try:
                return await super().connect_tcp(address, port, min(timeout or _HEADSTART, _HEADSTART), local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await super().connect_tcp(last, port, timeout, local_address, socket_options)


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError("the name does not resolve") from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if any(forbidden(address) for address in addresses):
        raise ForbiddenAddress
    return addresses


class Transport:
    """HTTP/1.1 over at most ``connections`` connections. Raises httpcore2's exceptions and :class:`ForbiddenAddress`."""

    def __init__(self, connections: int, tls: ssl.SSLContext | None) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls, max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=5, network_backend=CheckedBackend()
        )

    async def send(self, request: httpx2.Request, seconds: float) -> httpx2.Response:
        """The response, whose body is still to be read; it must be closed. ``seconds`` bound each step."""
        wait = {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}
        url = httpcore2.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path)
        sent = httpcore2.Request(request.method, url, headers=request.headers.raw, content=request.content, extensions={"timeout": wait})
        got = await self._pool.handle_async_request(sent)
        if not isinstance(got.stream, AsyncIterable):
            raise TypeError("the pool answers with a stream that cannot be awaited")
        return httpx2.Response(got.status, headers=_known(got.headers), stream=_Stream(got.stream), request=request)

    async def close(self) -> None:
        """Closes all connections."""
        await self._pool.aclose()


def _known(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """``x-gzip`` is gzip (RFC 9110 §8.4.1.3), which the decoder does not know."""
    return [(name, value.lower().replace(b"x-gzip", b"gzip") if name.lower() == b"content-encoding" else value) for name, value in headers]


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Certificates are checked against the system's authorities, or those alone that ``ca_file`` holds now.

    Raises:
        OSError: the file cannot be read, or holds no certificate (:class:`ssl.SSLError`).
    """
    if ca_file is None:
        return _context(None)
    file = Path(ca_file).stat()
    return _context(ca_file, file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns)


@lru_cache(maxsize=64)
def _context(ca_file: str | None, *_state: int) -> ssl.SSLContext:
    # To read authorities takes long, and sources share them.
    return httpx2.create_ssl_context(trust_env=False) if ca_file is None else ssl.create_default_context(cafile=ca_file)
