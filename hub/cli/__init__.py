"""The command ``huitong``: administration and operation of one hub, through the same services as the API. One module per command group."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Runs the command line and exits: 0 done, 1 refused or failed, 2 usage, 3 not reachable."""
    from hub.cli.app import run

    sys.exit(run(sys.argv[1:]))
