"""Paths with columns in braces: ``/districts/{district}/persons``. A value fills exactly one segment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from unicodedata import category
from urllib.parse import quote

from connectors.rest.addresses import dotted
from connectors.selection import Value

_COLUMN = re.compile(r"\{([^{}/]+)\}\Z")
_DECODED_DIFFERENTLY = frozenset("/\\")


def check_path(path: str) -> str:
    """A path under a source's address.

    Raises:
        ValueError: it could lead elsewhere, or a column is not a whole segment.
    """
    parts = path.split("/")
    if not path.startswith("/") or path.startswith("//") or {".", ".."} & set(parts) or any(sign in path for sign in "?#\\%") or not path.isprintable():
        raise ValueError("must begin with one slash and hold no '.' or '..' segment, '?', '#', '%' or backslash")
    if any(("{" in part or "}" in part) and not _COLUMN.match(part) for part in parts):
        raise ValueError("a column in braces must be a whole segment: /persons/{id_number}")
    return path


@lru_cache(maxsize=4096)
def columns_of(path: str) -> tuple[str, ...]:
    """The columns that a path needs, each once."""
    return tuple(dict.fromkeys(found[1] for part in path.split("/") if (found := _COLUMN.match(part))))


def text_of(value: Value) -> str:
    """A wire value in an address: booleans as true and false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def addressable(value: Value, charset: str = "utf-8") -> bool:
    """The value can be one segment.

    Slashes, backslashes, control characters and encoded dots are refused although they could be encoded: services decode at different
    moments, some twice, and then read another path. In GBK a backslash is the second byte of some characters, which services take for one
    that look at paths before they decode them.
    """
    text = text_of(value)
    unsafe = any(sign in _DECODED_DIFFERENTLY or category(sign) in ("Cc", "Cs") for sign in text)
    return bool(text) and not unsafe and not dotted(text) and b"\\" not in text.encode(charset)


def fill(path: str, values: Mapping[str, Value], charset: str = "utf-8") -> str:
    """The path, percent-encoded (RFC 3986) in the charset, with a value for each of its columns."""
    parts = []
    for part in path.split("/"):
        column = _COLUMN.match(part)
        parts.append(quote(text_of(values[column[1]]) if column else part, safe="" if column else "!$&'()*+,;=:@~", encoding=charset))
    return "/".join(parts)
