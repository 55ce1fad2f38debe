"""Disks that are full, fail to write or fail to make durable: nothing is acknowledged, and what comes after continues what was."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from hub.ledger.append import Ledger
from hub.ledger.errors import LedgerUnavailable
from hub.ledger.receipt import Receipt
from hub.ledger.service import LedgerService
from hub.store.engine import settle
from tests.ledger.build import check, make_draft, open_service
from tests.ledger.faults.kernel import Call, refuse

anyio = pytest.mark.anyio
_ROOT = Path(__file__).parents[3]


def _failing(_connection: Connection, error: int, calls: tuple[Call, ...]) -> None:
    refuse(error, *calls)


def _name(fault: BaseException) -> str:
    """SQLite's name of the error behind a refusal."""
    assert isinstance(fault.__cause__, OperationalError)
    return str(getattr(fault.__cause__.orig, "sqlite_errorname", ""))


@pytest.mark.fast
@anyio
@pytest.mark.parametrize(
    ("error", "calls", "name"),
    [(errno.EIO, ("fsync", "fdatasync"), "SQLITE_IOERR_FSYNC"), (errno.ENOSPC, ("pwrite64",), "SQLITE_FULL"), (errno.EIO, ("pwrite64",), "SQLITE_IOERR_WRITE")],
)
async def test_a_disk_that_fails_acknowledges_nothing_and_the_chain_goes_on(service: LedgerService, error: int, calls: tuple[Call, ...], name: str) -> None:
    await service.ledger.start()
    acknowledged = [await service.ledger.append(make_draft(f"before-{number}")) for number in range(3)]
    for fault in (partial(_failing, error=error, calls=calls), None):
        with pytest.raises(LedgerUnavailable, match="control database") as refused:
            await (service.ledger.append_with(make_draft("lost"), fault) if fault else service.ledger.append(make_draft("lost")))
        assert _name(refused.value) == name
        assert service.ledger.failing
        assert not service.ready
    await service.ledger.close()
    # The writer's thread took the failing disk with it; the engine and its pool are the same.
    again = Ledger(service.engine, service.signer)
    await again.start()
    acknowledged += [await again.append(make_draft(f"after-{number}")) for number in range(3)]
    await again.close()
    report = check(service, receipts=acknowledged)
    assert report.findings == []
    assert (report.receipts, report.entries) == (6, 6)


@pytest.mark.fast
@anyio
async def test_a_start_trusts_no_cache_of_the_log_file(service: LedgerService, tmp_path: Path) -> None:
    """What a process whose fsync failed left in the log is in the database file, synced, before anything is written behind it."""
    await service.ledger.start()
    with pytest.raises(LedgerUnavailable):
        await service.ledger.append_with(make_draft("unsynced"), partial(_failing, error=errno.EIO, calls=("fsync", "fdatasync")))
    await service.ledger.close()
    log = tmp_path / "control.db-wal"
    assert log.stat().st_size > 0
    settle(service.engine)
    assert log.stat().st_size == 0
    statements: list[str] = []
    with closing(service.engine.raw_connection()) as connection:
        sqlite: Any = connection.driver_connection
        sqlite.set_trace_callback(statements.append)
    await service.start()
    acknowledged = await service.ledger.append(make_draft("after"))
    await service.close()
    assert any("wal_checkpoint(TRUNCATE)" in statement for statement in statements)
    assert check(service, receipts=[acknowledged]).findings == []


@pytest.mark.slow
def test_a_file_that_may_not_grow_refuses_until_it_may(tmp_path: Path) -> None:
    """RLIMIT_FSIZE in a process of its own; the same writer goes on as soon as there is room."""
    child = [sys.executable, "-m", "tests.ledger.faults.limited", str(tmp_path)]
    done = subprocess.run(child, cwd=_ROOT, capture_output=True, text=True, timeout=60, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    refused, receipts = [line for line in lines if isinstance(line, str)], [Receipt.from_json(line) for line in lines if isinstance(line, dict)]
    assert set(refused) == {"SQLITE_IOERR_WRITE"}
    assert len(refused) >= 3
    assert isinstance(lines[0], dict)
    assert isinstance(lines[-1], dict)
    service = open_service(tmp_path)
    report = check(service, receipts=receipts)
    assert report.findings == []
    assert report.receipts == report.entries == len(receipts)
    service.engine.dispose()
