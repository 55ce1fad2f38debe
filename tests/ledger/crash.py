"""Child processes that append to a ledger, and a loop that kills them: ``python -m tests.ledger.crash HOME cycles=N`` soaks."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson

from hub.ledger.receipt import Receipt
from hub.ledger.report import Report, read_receipts
from tests.ledger.build import check, make_draft, open_service

ACKNOWLEDGED = "acknowledged-*.jsonl"
"""One file per child: a kill may cut its last line, to which no other child may write on."""


async def append_for_ever(home: Path, clients: int = 32) -> None:
    """Append from many clients at once; each writes its receipt to a file after it was given one, as a caller would keep it."""
    service = open_service(home)
    await service.start()
    kept = os.open(home / ACKNOWLEDGED.replace("*", str(os.getpid())), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    async def client(number: int) -> None:
        turn = 0
        while True:
            receipt = await service.ledger.append(make_draft(f"{os.getpid()}-{number}-{turn}"))
            os.write(kept, orjson.dumps(receipt.as_json()) + b"\n")
            turn += 1

    await asyncio.gather(*(client(number) for number in range(clients)))


def append_some(home: Path, count: int) -> None:
    """Append so many entries, one transaction each, as a command line would."""
    service = open_service(home)
    for number in range(count):
        service.ledger.append_sync(make_draft(f"{os.getpid()}-{number}"))


def start(home: Path, task: str) -> subprocess.Popen[bytes]:
    """A child with this task: ``for-ever``, or a number of entries."""
    return subprocess.Popen([sys.executable, "-m", "tests.ledger.crash", str(home), task], cwd=Path(__file__).parents[2])


def kill_cycle(home: Path, more: int = 40) -> None:
    """Let a child append until it has acknowledged ``more`` entries, then kill it without warning."""
    before = len(_lines(home))
    child = start(home, "for-ever")
    try:
        until = time.monotonic() + 60
        while child.poll() is None and time.monotonic() < until and len(_lines(home)) < before + more:
            time.sleep(0.01)
        if child.poll() is not None or len(_lines(home)) < before + more:
            raise RuntimeError("the child did not append")
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


def acknowledged(home: Path) -> list[Receipt]:
    """Every receipt that a killed child's clients hold; a line cut off by the kill was not kept."""
    return read_receipts(_lines(home))


def soak(home: Path, cycles: int) -> tuple[Report, int]:
    """Kill that often; the verification at the end against all acknowledged receipts, and how many those are."""
    for _ in range(cycles):
        kill_cycle(home)
        service = open_service(home)
        service.publisher.publish_all()
        service.engine.dispose()
    receipts = acknowledged(home)
    service = open_service(home)
    report = check(service, receipts=receipts)
    service.engine.dispose()
    return report, len(receipts)


def _lines(home: Path) -> list[bytes]:
    """The whole lines of all children's files."""
    lines = [line for path in sorted(home.glob(ACKNOWLEDGED)) for line in path.read_bytes().splitlines(keepends=True)]
    return [line for line in lines if line.endswith(b"\n")]


if __name__ == "__main__":
    if sys.argv[2] == "for-ever":
        asyncio.run(append_for_ever(Path(sys.argv[1])))
    elif sys.argv[2].isdecimal():
        append_some(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        result, promised = soak(Path(sys.argv[1]), int(sys.argv[2].removeprefix("cycles=")))
        print(f"acknowledged {promised}, stored {result.entries}, ok {result.ok}, findings {result.findings}")
