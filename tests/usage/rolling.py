"""A process that rolls a ledger up, again and again, until it is killed: ``python -m tests.usage.rolling HOME URL NODE``."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from hub.ledger.errors import LedgerUnavailable
from tests.usage.build import world_in


def main(home: Path, url: str, node: str) -> None:
    """Rolls in small steps, and takes over from whoever rolled before."""
    with world_in(home, url) as world:
        roller = world.roller(node, lease=timedelta(0), step=7)
        sys.stdout.write("rolling\n")
        sys.stdout.flush()
        while True:
            try:
                roller.run()
            except (SQLAlchemyError, LedgerUnavailable) as fault:
                sys.stderr.write(f"{type(fault).__name__}\n")
            time.sleep(0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
