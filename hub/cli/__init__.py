"""The command ``huitong``: administration and operation of one hub, through the same services as the API. One module per command group."""

from __future__ import annotations

import gc
import sys

__all__ = ["main"]
_ALLOCATIONS = 100_000


def main() -> None:
    """Runs the command line and exits: 0 done, 1 refused or failed, 2 usage, 3 not reachable."""
    # What is imported stays: looking through it again and again for garbage takes a quarter of the time.
    gc.set_threshold(_ALLOCATIONS, 20, 20)
    from hub.cli.app import run

    sys.exit(run(sys.argv[1:]))
