"""Crashes and several processes: nothing acknowledged is ever lost, and the chain is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.build import check, make_draft, open_service
from tests.ledger.crash import soak, start

pytestmark = pytest.mark.slow


def test_every_acknowledged_entry_survives_kill_9(tmp_path: Path) -> None:
    report, promised = soak(tmp_path, 5)
    assert report.findings == []
    assert promised >= 5 * 40
    assert report.receipts == promised <= report.entries


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
