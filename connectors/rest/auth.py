"""How a service is told who asks. The secret stands in one header or parameter of a request, and nowhere else."""

from __future__ import annotations

from base64 import b64encode
from typing import Protocol
from urllib.parse import quote, unquote_plus

import httpx2

from connectors.errors import ConfigFault
from connectors.rest.options import RestOptions, Signature

_FORM = "write printable ASCII on one line"


class Auth(Protocol):
    """Adds credentials to requests."""

    async def admit(self, request: httpx2.Request, due: float) -> None:
        """Adds the credentials; ``due`` is the event loop's time by which it must be done."""
        ...

    def renewed(self, request: httpx2.Request) -> bool:
        """The service did not admit the request (401): new credentials can be had, so that it may be asked once more."""
        ...


class NoAuth:
    """The service asks nobody who they are."""

    async def admit(self, request: httpx2.Request, due: float) -> None:
        """Nothing."""

    def renewed(self, request: httpx2.Request) -> bool:
        """There is nothing to renew."""
        return False


class HeaderAuth(NoAuth):
    """The same header in every request: a bearer token (RFC 6750), basic (RFC 7617) or an API key."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    async def admit(self, request: httpx2.Request, due: float) -> None:
        """Sets the header."""
        request.headers[self._name] = self._value


class QueryAuth(NoAuth):
    """The API key in a query parameter, in place of what a link may have held there."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    async def admit(self, request: httpx2.Request, due: float) -> None:
        """Sets the parameter."""
        # Byte by byte: what is written in another charset than UTF-8 would be read, and asked for, as something else.
        others = [part for part in request.url.query.split(b"&") if part and unquote_plus(part.partition(b"=")[0].decode("ascii")) != self._name]
        own = f"{quote(self._name, safe='')}={quote(self._value, safe='')}".encode("ascii")
        request.url = request.url.copy_with(query=b"&".join([*others, own]))


class HmacAuth(NoAuth):
    """A signature of every request."""

    def __init__(self, signature: Signature, key_id: str, secret: str) -> None:
        from connectors.rest.signing import Signer

        self._signer = Signer(signature, key_id, secret)

    async def admit(self, request: httpx2.Request, due: float) -> None:
        """Signs it as it is now."""
        self._signer.sign(request)


def basic(name: str, password: str) -> HeaderAuth:
    """Basic authentication (RFC 7617), in UTF-8."""
    return HeaderAuth("Authorization", f"Basic {b64encode(f'{name}:{password}'.encode()).decode('ascii')}")


def pair(source: str, options: RestOptions, secret: str) -> tuple[str, str]:
    """The id and the secret that goes with it.

    Raises:
        ConfigFault: there is no id.
    """
    name, colon, password = secret.partition(":")
    if options.client_id is not None:
        return options.client_id, secret
    if not (colon and name and password):
        raise ConfigFault(f"{source}: there is no id for the secret", "write options.client_id, or id:secret as the secret")
    return name, password


def printable(source: str, secret: str) -> str:
    """A secret that can be sent as it is.

    Raises:
        ConfigFault: it cannot.
    """
    if not (secret.isascii() and secret.isprintable()):
        raise ConfigFault(f"{source}: the secret cannot be sent", _FORM)
    return secret
