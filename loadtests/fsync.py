"""What it costs to have something on the disk for certain."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path


def fsync(folder: Path) -> float:
    """Seconds of one after 8 KiB, the median of many."""
    seconds = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(200):
            began = time.perf_counter()
            file.write(bytes(8192))
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)
