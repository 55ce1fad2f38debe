"""Redirect URIs: which a client may register, and which of a request are the client's (RFC 6749 §3.1.2, RFC 8252 §7.3, RFC 9700 §4.1.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

MAX_URI = 512
"""Characters of a redirect URI."""
MAX_URIS = 10
"""Redirect URIs of one client."""
_ALLOWED = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()+,;=%-]+\Z")
_AUTHORITY = re.compile(r"(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?\Z")
_LOOPBACK = re.compile(r"http://(?P<host>127\.0\.0\.1|\[::1\])(?P<port>:[0-9]{1,5})?(?P<rest>/.*)\Z", re.DOTALL)
_LOOPBACK_HOSTS = ("127.0.0.1", "[::1]", "localhost")


def check_redirect_uri(uri: str) -> str:
    """The URI, if a client may register it: https, or http on loopback; with a path; no fragment, wildcard, user name or dot segment.

    Raises:
        ValueError: names what is wrong.
    """
    if not 0 < len(uri) <= MAX_URI:
        raise ValueError(f"a redirect URI has 1 to {MAX_URI} characters")
    if "#" in uri or "*" in uri or "\\" in uri:
        raise ValueError("a redirect URI has no fragment (#), no wildcard (*) and no backslash")
    if not _ALLOWED.match(uri):
        raise ValueError("a redirect URI is written in ASCII; everything else percent-encoded")
    scheme, rest = uri.partition("://")[::2]
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    _check_place(scheme, authority)
    _check_path(rest.removeprefix(authority).partition("?")[0])
    return uri


def _check_place(scheme: str, authority: str) -> None:
    found = _AUTHORITY.match(authority)
    if found is None or not _is_host(found["host"]) or not 0 < int(found["port"] or 443) < 65536:
        raise ValueError("a redirect URI begins with https://host/ or https://host:port/, in small letters, without a user name")
    if scheme != "https" and not (scheme == "http" and found["host"] in _LOOPBACK_HOSTS):
        raise ValueError("a redirect URI begins with https://, or with http:// on loopback: codes would cross the network in clear")


def _is_host(host: str) -> bool:
    try:
        return not host.startswith("[") or ip_address(host[1:-1]).version == 6
    except ValueError:
        return False


def _check_path(path: str) -> None:
    if not path.startswith("/"):
        raise ValueError("a redirect URI has a path, at least /")
    if any(segment.lower().replace("%2e", ".") in (".", "..") for segment in path.split("/")) or "//" in path:
        raise ValueError("a redirect URI's path has no empty and no dot segments")


def permits(registered: Iterable[str], uri: str) -> bool:
    """Whether a request may name the URI: it is one of those registered, character by character.

    One that is registered on a loopback address without a port is a native application's: it may come with any port, which the
    operating system chooses when the application starts (RFC 8252 §7.3). ``localhost`` is no such address (§8.3).
    """
    known = frozenset(registered)
    if uri in known:
        return True
    found = _LOOPBACK.match(uri)
    if found is None or found["port"] is None or not 0 < int(found["port"][1:]) < 65536:
        return False
    return f"http://{found['host']}{found['rest']}" in known


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """The URI with parameters added to its query; what it has stays as it is."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}"


def origin_of(uri: str) -> str:
    """Scheme, host and port, as a Content-Security-Policy names them."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
