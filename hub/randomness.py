"""Random numbers for identifiers, from the operating system (``os.urandom``), many at a time: each question to it lets other threads go first."""

from __future__ import annotations

import os
from collections import deque

_BYTES = 8
_AT_ONCE = 4096
# Taking from a deque is atomic: no number is given out twice, whichever thread asks.
_numbers: deque[str] = deque()


def random_hex() -> str:
    """A number of 64 bits as 16 hexadecimal digits."""
    while True:
        try:
            return _numbers.pop()
        except IndexError:
            drawn = os.urandom(_BYTES * _AT_ONCE).hex()
            _numbers.extend(drawn[start : start + 2 * _BYTES] for start in range(0, len(drawn), 2 * _BYTES))


# A process that was forked would give out the numbers that its parent gives out.
os.register_at_fork(after_in_child=_numbers.clear)
