"""How many values an answer may hold: a body of brackets alone costs the event loop far more time and memory than its bytes."""

from __future__ import annotations

MOST_VALUES = 1 << 19
"""Of an answer of up to 8 MiB; of a larger one, one for every 16 bytes. So many take about 0.1 s to parse, in which no other call goes on."""
_BYTES = 16


def too_many_values(body: bytes) -> bool:
    """Counts what stands between and around JSON's values."""
    return sum(body.count(sign) for sign in (b",", b"[", b"{")) > max(MOST_VALUES, len(body) // _BYTES)
