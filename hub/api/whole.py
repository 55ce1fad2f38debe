"""Answers that are there as a whole: a server that has the ASGI extension for it writes them as one piece, without messages for head and body.

``scope["extensions"][EXTENSION]["write"](scope, status, head, body)`` tells whether it took the answer; what it did not take is sent by messages. ``head`` are lines,
each ended by CR LF, to which the server adds its own and the length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from starlette.types import Scope

EXTENSION = "huitong.whole"
"""Of the hub's own server (asgi.readthedocs.io, "Extensions"); others do not have it."""
Whole = Callable[[Scope, int, bytes, bytes], bool]
_FIELD = re.compile(rb"[a-z-]+: [\x20-\x7e\x80-\xff]*")
"""RFC 9110 §5.1, §5.5: nothing that would begin another line."""


def lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as lines of a head.

    Raises:
        ValueError: one would not be a line.
    """
    fields = [b"%b: %b" % header for header in headers]
    if not all(_FIELD.fullmatch(field) for field in fields):
        raise ValueError("a header holds what no header may")
    return b"".join([b"%b\r\n" % field for field in fields])


def whole_of(scope: Scope) -> Whole | None:
    """The server's extension, if it has it."""
    extensions = scope.get("extensions")
    held = extensions.get(EXTENSION) if extensions else None
    return held["write"] if held else None
