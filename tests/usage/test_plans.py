"""What the roller asks of the log at each step costs the same in a long log as in a short one."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import event

from hub.ledger.service import LedgerService
from hub.usage.log import anchors, is_whole
from tests.ledger.build import make_draft
from tests.ledger.conftest import service

__all__ = ["service"]
pytestmark = pytest.mark.fast


def test_no_statement_reads_the_log_from_end_to_end(service: LedgerService) -> None:
    for number in range(20):
        service.ledger.append_sync(make_draft(f"call-{number}"))
    statements: list[tuple[str, tuple[object, ...]]] = []
    event.listen(service.engine, "before_cursor_execute", lambda _c, _k, statement, parameters, _x, _m: statements.append((statement, parameters)))
    with service.engine.connect() as connection:
        anchors(connection, date(2026, 1, 1))
        is_whole(connection, date(2026, 1, 1))
        asked = [(statement, parameters) for statement, parameters in statements if "ledger_entry" in statement]
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all() for statement, parameters in asked]
    assert plans
    assert [step.detail for plan in plans for step in plan if step.detail.startswith("SCAN ledger_entry")] == []
