"""Keeps a process that works on chunks small."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_UNWANTED = frozenset({"numpy", "pandas"})
"""Arrow loads both as soon as it is handed a list, where they are installed: some 80 MiB that nothing here uses."""


class _Without(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in _UNWANTED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


_M_TRIM_THRESHOLD, _M_ARENA_MAX = -1, -8
"""mallopt(3), of the GNU C library."""


def keep_lean() -> None:
    """For a process of its own, before Arrow is loaded: what it never needs is not there for it, and memory that is free goes back.

    Arrow takes its memory from the C library, in two arenas: 40 MiB less than its own allocator holds at the same work.
    """
    sys.meta_path.insert(0, _Without())
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, 2)
            mallopt(_M_TRIM_THRESHOLD, 1024 * 1024)
