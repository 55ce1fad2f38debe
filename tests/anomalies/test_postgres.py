"""The same on PostgreSQL: histories, alerts of which several nodes find the same one at once, and sums of several processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.anomalies.alerts import Alerts
from hub.anomalies.enumerating import Adding, Counts
from hub.anomalies.service import Verdict, Wanted
from hub.anomalies.throttle import read_throttles
from hub.ledger.reading import CallFilter, calls
from tests.anomalies.build import FIRST, RULES, Office, city, world_in
from tests.catalog.homes import SECURITY
from tests.servers.postgres import Postgres
from tests.store.databases import make_database

pytestmark = pytest.mark.slow


def test_log_07_on_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    drafts = [draft for day in city(9, FIRST, 2, [Office("housing-app", 8, ["civil.person", "housing.estate"])]) for draft in day]
    (tmp_path / "sqlite").mkdir()
    (tmp_path / "postgres").mkdir()
    with world_in(tmp_path / "sqlite") as plain, world_in(tmp_path / "postgres", make_database(postgres, "anomalies")) as world:
        plain.happen(*drafts)
        world.ledger.append(*drafts)
        for node in ("a", "b"):
            world.historian(node, step=50).run()
        assert world.hours() == plain.hours() != {}
        engine = world.ledger.engine
        counts: Counts = {(("housing-app", "civil.person", "RESIDENT"), "2026-03-03T18"): [6, 6]}
        nodes = [Adding(engine, RULES, Alerts(engine, world.ledger.service.ledger)) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda node: node.add(counts), nodes))
            list(pool.map(lambda node: node.judge(counts), nodes))
        (told,) = world.service.find(Wanted(), 10)
        assert (told.rule, told.observed, told.throttled) == ("ENUMERATION", 24, True)
        with engine.connect() as connection:
            assert [each.anomaly for each in read_throttles(connection)] == [told.id]
            assert len(calls(connection, CallFilter(operation="anomaly.open"), 10)) == 1
        assert world.service.judge(SECURITY, told.id, Verdict.FALSE_ALARM, "年度核对").throttled is False
