"""Dotted paths in answers: ``person.name``, ``phones.0.number``; a dot or backslash that belongs to a name stands behind a backslash."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_MOST_DIGITS = 6


@lru_cache(maxsize=4096)
def split(path: str) -> tuple[str, ...]:
    """The names of a path, none for the empty path. ``a\\.b.c`` has the names ``a.b`` and ``c``."""
    names, name, escaped = [], "", False
    for sign in path:
        if sign == "." and not escaped:
            names.append(name)
            name = ""
        elif sign == "\\" and not escaped:
            escaped = True
            continue
        else:
            name += sign
        escaped = False
    return (*names, name) if path else ()


def joined(names: Iterable[str]) -> str:
    """The path with these names."""
    return ".".join(name.replace("\\", "\\\\").replace(".", "\\.") for name in names)


def element(name: str) -> int | None:
    """The place in an array that a name stands for, the first being 0; ``None`` where it is no number."""
    return int(name) if name.isascii() and name.isdigit() and len(name) <= _MOST_DIGITS else None
