"""Keeps a process that works on chunks small."""

from __future__ import annotations

import os

from hub.exchange.work.unwanted import BESIDE_ARROW, leave_out
from hub.heap import ARENA_MAX, MMAP_THRESHOLD, TRIM_THRESHOLD, tune

_MIB = 1024 * 1024


def keep_lean() -> None:
    """For a process of its own, before Arrow is loaded: what it never needs is not there for it, and memory that is free goes back.

    Arrow takes its memory from the C library, in one arena: 40 MiB less than its own allocator holds at the same work. What a batch needs is given
    back into that arena and taken from it by the next: as pages of the system's, each batch anew, it cost a fifth of the work.
    """
    # structlog loads rich, 3 MiB, for a terminal's colours.
    leave_out((*BESIDE_ARROW, "rich"), ("pyarrow", "adbc_driver_manager", "structlog"))
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    tune({ARENA_MAX: 1, TRIM_THRESHOLD: 8 * _MIB, MMAP_THRESHOLD: 4 * _MIB})
