"""Crashes and several processes: nothing acknowledged is ever lost, and the chain is one."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from sqlalchemy import delete, update

from hub.ledger import tables
from tests.ledger.build import check, make_draft, open_service
from tests.ledger.crash import Held, kept_by, start
from tests.soak.crashes import soak

pytestmark = pytest.mark.slow


def test_every_acknowledged_entry_survives_kill_9() -> None:
    told = soak("sqlite", 5, seed=1)
    assert told.wrong == []
    assert told.kills["process: SIGKILL"] >= 5
    assert 0 < told.receipts <= told.stored


def test_two_processes_append_to_one_unbroken_chain(tmp_path: Path) -> None:
    service = open_service(tmp_path)
    children = [start(tmp_path, "150"), start(tmp_path, "150")]
    for number in range(50):
        service.ledger.append_sync(make_draft(f"own-{number}"))
        service.publisher.publish_all()
    assert [child.wait(timeout=60) for child in children] == [0, 0]
    service.publisher.publish_all()
    report = check(service)
    assert report.findings == []
    assert report.entries == report.published == 350
    service.engine.dispose()


def test_a_lost_altered_or_forged_entry_is_seen_by_those_who_hold_receipts(tmp_path: Path) -> None:
    """The comparison after each kill finds what it is for."""
    service = open_service(tmp_path)
    receipts = [service.ledger.append_sync(make_draft(f"c{number}")) for number in range(4)]
    told = [receipt.as_json() for receipt in receipts]
    told[3] = {**told[3], "index": 1}
    kept_by(tmp_path, 1).write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in told) + b'{"cut": ')
    held = Held(tmp_path, service.verifier_key)
    assert [wrong.split()[:2] for wrong in held.compare(service)] == [["the", "receipt"]]
    assert held.compare(service) == []
    with service.engine.begin() as connection:
        connection.execute(delete(tables.entry).where(tables.entry.c.seq == 1))
        connection.execute(update(tables.entry).where(tables.entry.c.seq == 2).values(canonical=b"{}"))
    assert Held(tmp_path, service.verifier_key).compare(service)[1:] == ["entry 1 of c1 is lost", "entry 2 of c2 is another"]
    service.engine.dispose()
