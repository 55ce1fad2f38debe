"""CPU time of other processes, to the microsecond."""

from __future__ import annotations

import time
from collections.abc import Iterable


def cpu_seconds(process: int) -> float:
    """CPU time of a process with all its threads, those that have ended included: Linux's clock of a process, clock_getcpuclockid(3).

    Raises:
        OSError: there is no such process.
    """
    # CPUCLOCK_SCHED of the process, as in the kernel's posix-timers_types.h; /proc/PID/stat counts in hundredths of a second only.
    return time.clock_gettime((~process << 3) | 2)


def cpu_of_all(processes: Iterable[int]) -> dict[int, float]:
    """The same of several; those that have ended are left out."""
    found = {}
    for process in processes:
        try:
            found[process] = cpu_seconds(process)
        except OSError:
            continue
    return found


def spent(before: dict[int, float], after: dict[int, float]) -> float:
    """CPU seconds of all processes between two readings; of those that began in between, all."""
    return sum(seconds - before.get(process, 0.0) for process, seconds in after.items())
