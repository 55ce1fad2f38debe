"""Which part of a file a request asks for: one range of bytes, on conditions (RFC 9110 §13 and §14). Several ranges at once are answered with the whole."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.datastructures import Headers

_RANGE = re.compile(r"bytes=[ \t]*(\d*)-(\d*)[ \t]*\Z", re.ASCII | re.IGNORECASE)
_BEYOND = 10**18
"""Further on than any file reaches: what is written with more digits is taken for this, and never computed with."""
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


@dataclass(frozen=True, slots=True)
class Part:
    """What is answered: the status, and the bytes from ``start`` up to ``end``, itself not included, of ``size``."""

    status: int
    start: int
    end: int
    size: int

    @property
    def length(self) -> int:
        """Bytes that leave."""
        return self.end - self.start

    def share(self, rows: int) -> int:
        """The rows that so many of the file's bytes hold, rounded up: a range is counted for no less than it may disclose."""
        return rows if self.length >= self.size else -(-rows * self.length // self.size)


def part_of(headers: Headers, etag: str, size: int) -> Part:
    """The part of a file of ``size`` bytes that a GET or HEAD asks for. ``etag`` is strong: the file is known by its digest.

    The status is 200 (whole), 206, 304, 412 or 416; the latter three carry no byte of the file.
    """
    if (match := headers.get("if-match")) is not None and not _names(match, etag, weak=False):
        return Part(412, 0, 0, size)
    if (none := headers.get("if-none-match")) is not None and _names(none, etag, weak=True):
        return Part(304, 0, 0, size)
    found = _RANGE.match(headers.get("range", ""))
    # Units, forms and conditions that are not these ask for the whole file (RFC 9110 §14.2).
    if found is None or headers.get("if-range", etag).strip() != etag:
        return Part(200, 0, size, size)
    first, last = found.groups()
    if not (first or last) or (first and last and _digits(last) < _digits(first)):
        return Part(200, 0, size, size)
    start = _place(first) if first else max(size - _place(last), 0)
    end = min(_place(last) + 1, size) if first and last else size
    return Part(206, start, end, size) if start < end else Part(416, 0, 0, size)


def _digits(text: str) -> tuple[int, str]:
    """What orders numbers of any length as they are written."""
    digits = text.lstrip("0")
    return len(digits), digits


def _place(text: str) -> int:
    length, digits = _digits(text)
    return int(digits or "0") if length <= 18 else _BEYOND


def _names(listed: str, etag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags names this one; ``*`` names any."""
    if listed.strip() == "*":
        return True
    return any(tag == etag or (weak and tag == f"W/{etag}") for tag in _TAG.findall(listed))
