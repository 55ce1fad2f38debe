"""Processes that append to a ledger under load and are killed; what their callers hold is compared with what is stored."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import orjson
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from hub.ledger import tables
from hub.ledger.errors import LedgerUnavailable
from hub.ledger.keys import VerifierKey
from hub.ledger.merkle import leaf_hash
from hub.ledger.receipt import Receipt, verify_receipt
from hub.ledger.report import Report, read_receipts
from hub.ledger.service import LedgerService
from hub.store.engine import reading
from hub.store.postgres import BoundedConnection
from tests.ledger.build import check, make_draft, open_service

ACKNOWLEDGED = "acknowledged-*.jsonl"
"""One file per child: a kill may cut its last line, to which no other child may write on."""
CLIENTS = 12
"""Of one child."""
_PAUSE = 0.008
_AT_ONCE = 500
_SECONDS = 60.0


def kept_by(home: Path, process: int) -> Path:
    """Where the callers of one child keep their receipts."""
    return home / ACKNOWLEDGED.replace("*", str(process))


def wait_until(held: Callable[[], bool], what: str) -> None:
    """Until it holds.

    Raises:
        RuntimeError: it does not within a minute.
    """
    until = time.monotonic() + _SECONDS
    while not held():
        if time.monotonic() > until:
            raise RuntimeError(f"not within {_SECONDS:.0f} s: {what}")
        time.sleep(0.005)


async def append_for_ever(home: Path, clients: int = CLIENTS) -> None:
    """Append from many clients at once; each writes its receipt to a file after it was given one, as a caller would keep it."""
    service = open_service(home)
    await service.start()
    kept = os.open(kept_by(home, os.getpid()), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    async def client(number: int) -> None:
        turn = 0
        while True:
            turn += 1
            try:
                receipt = await service.ledger.append(make_draft(f"{os.getpid()}-{number}-{turn}"))
            except LedgerUnavailable:
                await asyncio.sleep(0.02)
            else:
                os.write(kept, orjson.dumps(receipt.as_json()) + b"\n")
                # Processes on one SQLite file poll for its lock: without a pause one of them would have it nearly always.
                await asyncio.sleep(random.uniform(0, _PAUSE))

    await asyncio.gather(*(client(number) for number in range(clients)))


def _run(home: str) -> None:
    # Servers that are killed in the course of it are given up sooner than in earnest.
    BoundedConnection.seconds = 1.0
    for _ in range(100):
        try:
            asyncio.run(append_for_ever(Path(home)))
        except SQLAlchemyError:
            # Its server was killed while it started.
            time.sleep(0.05)


class Children:
    """So many processes that append to the ledger of ``home``. They are forked of one that has loaded everything, so that a start takes no time."""

    def __init__(self, home: Path, count: int) -> None:
        self.home = home
        self._context: ForkServerContext = get_context("forkserver")
        self._context.set_forkserver_preload(["tests.ledger.crash"])
        self.running: list[ForkServerProcess] = [self._start() for _ in range(count)]

    def _start(self) -> ForkServerProcess:
        process = self._context.Process(target=_run, args=(str(self.home),), daemon=True)
        process.start()
        return process

    def appended(self) -> None:
        """Waits until each has given a receipt since now."""
        before = {process: self._kept(process) for process in self.running}
        wait_until(lambda: all(self._kept(process) > size for process, size in before.items()), "each process appends")

    def kill(self, victims: Sequence[ForkServerProcess]) -> None:
        """SIGKILL, at once to all of them."""
        for process in victims:
            process.kill()
        for process in victims:
            process.join()
            process.close()
            self.running.remove(process)

    def replace(self, count: int) -> None:
        """Starts so many."""
        self.running += [self._start() for _ in range(count)]

    def _kept(self, process: ForkServerProcess) -> int:
        path = kept_by(self.home, process.pid or 0)
        return path.stat().st_size if path.exists() else 0


class Held:
    """What callers hold, read as their files grow, and compared with what is stored."""

    def __init__(self, home: Path, key: VerifierKey) -> None:
        self._home = home
        self._key = key
        self._read: dict[Path, int] = {}
        self.count = 0

    def fresh(self) -> list[Receipt]:
        """The receipts that came since last time; a line that a kill cut off was not kept."""
        lines: list[bytes] = []
        for path in sorted(self._home.glob(ACKNOWLEDGED)):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                more = file.read()
            whole = more[: more.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            lines += whole.splitlines()
        return read_receipts(lines)

    def compare(self, service: LedgerService) -> list[str]:
        """What is wrong with the receipts that came since last time: not signed, lost, or standing for another entry."""
        fresh = self.fresh()
        self.count += len(fresh)
        stored: dict[int, bytes] = {}
        column = tables.entry.c
        with reading(service.engine) as connection:
            for place in range(0, len(fresh), _AT_ONCE):
                asked = [receipt.entry for receipt in fresh[place : place + _AT_ONCE]]
                stored |= {row.seq: row.canonical for row in connection.execute(select(column.seq, column.canonical).where(column.seq.in_(asked)))}
        wrong = [f"the receipt of {receipt.call} is not signed by the log" for receipt in fresh if not verify_receipt(receipt, self._key)]
        wrong += [f"entry {receipt.entry} of {receipt.call} is lost" for receipt in fresh if receipt.entry not in stored]
        altered = (receipt for receipt in fresh if receipt.entry in stored and leaf_hash(stored[receipt.entry]) != receipt.leaf)
        return wrong + [f"entry {receipt.entry} of {receipt.call} is another" for receipt in altered]


def entries(service: LedgerService) -> int:
    """How many are stored."""
    with reading(service.engine) as connection:
        return connection.execute(select(func.count()).select_from(tables.entry)).scalar_one()


def whole(home: Path) -> Report:
    """The ledger verified against all receipts that the callers of its processes hold."""
    lines = [line for path in sorted(home.glob(ACKNOWLEDGED)) for line in path.read_bytes().splitlines(keepends=True)]
    service = open_service(home)
    service.publisher.publish_all()
    report = check(service, receipts=read_receipts([line for line in lines if line.endswith(b"\n")]))
    service.engine.dispose()
    return report


def append_some(home: Path, count: int) -> None:
    """Append so many entries, one transaction each, as a command line would."""
    service = open_service(home)
    for number in range(count):
        service.ledger.append_sync(make_draft(f"{os.getpid()}-{number}"))


def start(home: Path, count: str) -> subprocess.Popen[bytes]:
    """A child that appends so many entries and ends."""
    return subprocess.Popen([sys.executable, "-m", "tests.ledger.crash", str(home), count], cwd=Path(__file__).parents[2])


if __name__ == "__main__":
    append_some(Path(sys.argv[1]), int(sys.argv[2]))
