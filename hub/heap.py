"""What a process asks of the C library's allocator: mallopt(3) of GNU, nothing elsewhere."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
_OPERATORS = "MALLOC_ARENA_MAX"
_SERVING_ARENAS = 2


def tune(parameters: Mapping[int, int]) -> None:
    """Sets parameters of mallopt(3)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for parameter, value in parameters.items():
            mallopt(parameter, value)


def keep_few_arenas() -> None:
    """For a process that serves: two heaps for all of its threads, where the library would make up to eight for each CPU, of which each keeps what its
    busiest moment took. The interpreter's lock lets one thread work at a time, nearly. An operator's ``MALLOC_ARENA_MAX`` holds.
    """
    if _OPERATORS not in os.environ:
        tune({ARENA_MAX: _SERVING_ARENAS})
