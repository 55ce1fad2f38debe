"""``huitong anomaly``: alerts listed, shown, judged and released at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.anomalies.alerts import Alerts
from hub.anomalies.detectors import Finding
from hub.clock import clock
from tests.anomalies.build import RULES
from tests.catalog.homes import new_core
from tests.cli.conftest import Cli, cli, home
from tests.usage.build import beijing

__all__ = ["cli", "home"]
pytestmark = pytest.mark.slow


def told(directory: Path) -> list[str]:
    """A home with an alert of enumeration and one of volume; their numbers."""
    version = RULES.versions[-1]
    rules = {rule.id: rule for rule in version.rules}
    with new_core(directory) as core:
        alerts = Alerts(core.engine, core.ledger)
        where = ("app_1", "housing_bureau", "civil.person", "")
        found = [
            Finding(rules["ENUMERATION"], version.name, *where, "identifiers", "2026-03-05T10", 25, 20, 1, 9),
            Finding(rules["VOLUME_CALLS"], version.name, *where, "calls", "2026-03-05T10", 999, 300, 1, 9),
        ]
        return [str(alerts.report(each, usual=600)) for each in found]


def test_an_alert_from_its_list_to_its_end(cli: Cli, home: Path, tmp_path: Path) -> None:
    with clock.at(beijing("2026-03-05T10:30:00")) as hand:
        scraped, jump = told(tmp_path)
        hand.forward(minutes=1)
        listed = cli("anomaly", "list", "--json").data
        assert {(each["id"], each["state"], each["throttled"], each["per_minute"]) for each in listed} == {
            (scraped, "OPEN", True, 10),
            (jump, "OPEN", False, None),
        }
        assert "observed: 999" in cli("anomaly", "show", jump).out
        assert cli("anomaly", "release", jump, "--opinion", "x").code == 1
        assert cli("anomaly", "release", scraped, "--opinion", "已核实").out.split() == [scraped, "ENUMERATION", "OPEN"]
        assert cli("anomaly", "judge", jump, "FALSE_ALARM", "--opinion", "年度核对").code == 0
        assert "no alert anomaly_0" in cli("anomaly", "judge", "anomaly_0", "CONFIRMED", "--opinion", "x").err
        assert [each["id"] for each in cli("anomaly", "list", "--state", "OPEN", "--json").data] == [scraped]
        assert cli("anomaly", "list", "--application", "nobody").out.startswith("没有预警")
        assert [rule["id"] for rule in cli("anomaly", "rules", "--json").data] == [rule.id for rule in RULES.versions[-1].rules]
