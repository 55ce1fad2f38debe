"""``python -m loadtests.counted demo|serve …``: the hub, which at SIGUSR1 appends to the file ``LOADTESTS_COUNTS`` what its interpreter holds, as a JSON line."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import Counter
from types import FrameType

import orjson

from hub.cli import main

COUNTS = "LOADTESTS_COUNTS"
_TYPES = 40


def _count(_number: int, _frame: FrameType | None) -> None:
    gc.collect()
    objects = gc.get_objects()
    # Objects that were there when the hub began to serve are frozen, and not among these.
    types = Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in objects)
    told = {"blocks": sys.getallocatedblocks(), "objects": len(objects), "types": dict(types.most_common(_TYPES))}
    descriptor = os.open(os.environ[COUNTS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, orjson.dumps(told) + b"\n")
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _count)
    main()
