"""Child processes of a hub that do not outlive it, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""prctl(2)."""


def die_with(parent: int) -> bool:
    """Linux: this process is killed at once when the thread of ``parent`` that began it ends, as it does when that process is killed.

    ``False`` where ``parent`` was gone before. Elsewhere than on Linux nothing is asked of the system: the end of a pipe has to tell it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return os.getppid() == parent
