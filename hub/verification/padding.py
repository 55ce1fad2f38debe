"""Bodies that hold outcomes have one length for all of them (CWE-203): what is shorter is followed by blanks, which JSON ignores (RFC 8259 §2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from hub.api.long import Long

_WIDEST = {"state": "OPEN_CIRCUIT", "asOf": "2026-01-01T00:00:00.000000+00:00"}


def state_slack(states: Iterable[Mapping[str, Any]]) -> int:
    """Bytes by which entries of ``extensions.sources`` are shorter than the longest."""
    return sum(len(orjson.dumps(widest)) - len(orjson.dumps(state[name])) for state in states for name, widest in _WIDEST.items())


def padded(body: bytes | Long, spaces: int) -> bytes | Long:
    """The body with so many blanks behind it."""
    blanks = b" " * spaces
    return body + blanks if isinstance(body, bytes) else [*body, blanks]
