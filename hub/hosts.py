"""Under which host names the hub answers: a page whose own name was rebound to the hub's address (DNS rebinding) is refused."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

RawHeaders = Iterable[tuple[bytes, bytes]]


class AllowedHosts:
    """The loopback's names and those given, without ports; IPv6 addresses in brackets."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(name.lower().encode("latin-1") for name in (*LOOPBACK, *names))

    def admits(self, headers: RawHeaders) -> bool:
        """Whether a request's raw headers hold exactly one Host (RFC 9112 §3.2), and an allowed one."""
        found = [value for name, value in headers if name == b"host"]
        return len(found) == 1 and _name(found[0]) in self._names

    def is_own_origin(self, origin: str) -> bool:
        """Whether an ``Origin`` header (RFC 6454 §7) names an allowed host; ``null`` does not."""
        scheme, _, authority = origin.partition("://")
        return scheme in ("http", "https") and _name(authority.encode("latin-1", "replace")) in self._names


def host_of(url: str) -> str:
    """The host of an address, as a Host header names it."""
    name = urlsplit(url).hostname or ""
    return f"[{name}]" if ":" in name else name


def _name(authority: bytes) -> bytes:
    if authority.startswith(b"["):
        return authority[: authority.find(b"]") + 1].lower()
    return authority.partition(b":")[0].lower()
