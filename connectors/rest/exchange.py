"""One request and its answer: bounded while it is read, faults in the hub's words."""

from __future__ import annotations

import ssl
from asyncio import get_running_loop
from dataclasses import dataclass

import httpcore2
import httpx2

from connectors.errors import SourceBusy, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.rest.transport import ForbiddenAddress, Transport

_OVERLOADED = 429
_ACCEPTED = 202
_NOT_ASKED_FOR = frozenset({"br", "zstd", "compress", "x-compress"})
"""Compressions that are read in some installations alone, or in none. What is no compression (``UTF-8``, ``none``) is often written in that place."""
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """``url`` is the address asked, credentials in its query included: it never leaves the connector."""

    status: int
    headers: httpx2.Headers
    body: bytes
    url: httpx2.URL

    @property
    def charset(self) -> str | None:
        """The media type's parameter."""
        found = [part.partition("=") for part in self.headers.get("content-type", "").split(";")[1:]]
        return next((value.strip() for name, _, value in found if name.strip().lower() == "charset"), None)


class Unreached(SourceUnavailable):
    """The connection failed, or ended before the whole answer had come."""


async def exchange(source: str, transport: Transport, request: httpx2.Request, due: float, most: int) -> Answer:
    """The answer, whatever its status.

    Raises:
        SourceFault: not reachable, too slow, or larger than ``most`` bytes, decompressed.
    """
    seconds = max(due - get_running_loop().time(), 0.001)
    try:
        response = await transport.send(request, seconds)
        try:
            if httpx2.codes.is_success(response.status_code):
                _check_compression(source, response.headers)
            return Answer(response.status_code, response.headers, await _body(source, response, most), request.url)
        finally:
            await response.aclose()
    except ForbiddenAddress as error:
        raise SourceRefused(source, "its address leads to a link-local address or a cloud's metadata service, which is never asked") from error
    except httpcore2.PoolTimeout as error:
        raise SourceBusy(source, "all its connections are busy") from error
    except httpcore2.TimeoutException as error:
        raise SourceTimeout(source, "no answer in time") from error
    except httpx2.DecodingError as error:
        raise SourceRefused(source, "the service's answer is badly compressed") from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        if _untrusted(error):
            raise SourceRefused(source, "the service's certificate is not accepted; check its name and authority, or options.ca_file") from error
        raise Unreached(source, "the service is not reachable") from error


def _check_compression(source: str, headers: httpx2.Headers) -> None:
    if not _NOT_ASKED_FOR.isdisjoint(name.strip().lower() for name in headers.get("content-encoding", "").split(",")):
        raise SourceRefused(source, "the service's answer is compressed otherwise than asked for; have it send gzip, or no Content-Encoding")


def _untrusted(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


async def _body(source: str, response: httpx2.Response, most: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > most:
            # Whatever is still to come is not read: the connection is closed, not drained.
            raise SourceRefused(source, f"the service's answer is larger than {_size(most)} (`max_bytes`); lower `max_page`")
    return bytes(body)


def _size(most: int) -> str:
    return f"{most // 1024 // 1024} MiB" if most % (1024 * 1024) == 0 else f"{most} bytes"


def fault(source: str, status: int) -> SourceFault:
    """What a status that is no success means."""
    if status >= _SERVER_ERROR or status == _OVERLOADED:
        return SourceUnavailable(source, f"the service answered with status {status}")
    if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
        return SourceRefused(source, f"the service does not admit the hub (status {status}); check `secret` and `auth`")
    if status == _ACCEPTED:
        return SourceRefused(source, "the service accepts the request for later (status 202); ask a path that answers at once")
    if httpx2.codes.is_redirect(status):
        return SourceRefused(source, f"the service redirects (status {status}), which is not followed; correct `url` or `path`")
    return SourceRefused(source, f"the service rejected the request (status {status})")
