"""``python -m tests.ledger.faults.limited HOME``: appends while no file may grow beyond a limit, then without it; tells each receipt or SQLite's error."""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

import orjson
from sqlalchemy.exc import OperationalError

from hub.ledger.errors import LedgerUnavailable
from hub.ledger.service import LedgerService
from tests.ledger.build import make_draft, open_service

_ROOM = 96 * 1024
"""For what comes after the ledger was made; SQLite's log is as large as this soon."""
_REFUSALS = 3


def _largest(home: Path) -> int:
    return max(path.stat().st_size for path in home.glob("control.db*"))


async def _told(service: LedgerService, call: str) -> bool:
    try:
        said: object = (await service.ledger.append(make_draft(call))).as_json()
    except LedgerUnavailable as refused:
        cause = refused.__cause__
        said = getattr(cause.orig, "sqlite_errorname", "") if isinstance(cause, OperationalError) else str(refused)
    sys.stdout.write(orjson.dumps(said).decode() + "\n")
    return isinstance(said, dict)


async def main(home: Path) -> None:
    """Until three entries were refused, and ten more then."""
    service = open_service(home)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_largest(home) + _ROOM, hard))
    await service.ledger.start()
    refused = number = 0
    while refused < _REFUSALS:
        refused += not await _told(service, f"limited-{number}")
        number += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    for number in range(10):
        await _told(service, f"free-{number}")
    await service.ledger.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
