"""Web links (RFC 8288): where the next page lies, if that is inside the source's own address."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit, urlunsplit

import httpx2

from connectors.rest.addresses import dotted

_NAME = r"[A-Za-z0-9_!#$&+.^`|~*-]++"
_ARGUMENT = r"\"(?:[^\"\\]|\\.)*+\"|[^\s\",;]*+"
_LINK = re.compile(rf"\s*+<([^<>]*+)>((?:\s*+;\s*+{_NAME}\s*+(?:=\s*+(?:{_ARGUMENT}))?)*+)\s*+(?:,|\Z)")
_PARAMETER = re.compile(rf";\s*+({_NAME})\s*+(?:=\s*+({_ARGUMENT}))?")
_MOST = 8192
"""The longest header that is read, in characters."""


_ASCII = "".join(map(chr, range(128)))


class Outside(Exception):
    """A link leads out of the source's address, or is no address."""


def next_link(headers: Iterable[str]) -> str | None:
    """The first target of relation type ``next`` whose context is the answer itself; ``None`` where there is none."""
    for header in headers:
        place, header = 0, header[:_MOST]
        while found := _LINK.match(header, place):
            place = found.end()
            parameters = _parameters(found[2])
            if "next" in parameters.get("rel", "").lower().split() and "anchor" not in parameters:
                return found[1]
    return None


def _parameters(text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, argument in _PARAMETER.findall(text):
        quoted = re.sub(r"\\(.)", r"\1", argument[1:-1]) if argument.startswith('"') else argument
        parameters.setdefault(name.lower(), quoted)
    return parameters


def without_host(link: str) -> str:
    """Path and query alone: services behind a proxy name themselves by an address that only they know."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return link
    return urlunsplit(("", "", parts.path, parts.query, ""))


def in_charset(link: str, charset: str) -> str:
    """The link, of characters that the charset has, with what is not ASCII percent-encoded as the service reads it: in UTF-8 it would ask for something else."""
    return link if link.isascii() or charset == "utf-8" else quote(link, safe=_ASCII, encoding=charset)


def inside(base: httpx2.URL, asked: httpx2.URL, link: str) -> str:
    """Path and query of a link in the answer to ``asked``.

    Raises:
        Outside: its scheme, host, port or path is not under ``base``.
    """
    if not link.isprintable() or "\\" in link or " " in link:
        raise Outside
    try:
        target = asked.join(link)
    except (httpx2.InvalidURL, ValueError) as error:
        raise Outside from error
    same = (target.scheme, target.raw_host, target.port) == (base.scheme, base.raw_host, base.port)
    path, root = target.raw_path.decode("ascii"), base.raw_path.decode("ascii").rstrip("/") + "/"
    if not same or target.userinfo or dotted(path.partition("?")[0]) or not path.partition("?")[0].startswith(root):
        raise Outside
    return path
