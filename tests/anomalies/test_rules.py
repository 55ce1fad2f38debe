"""The file of rules: what it may say, a city's own, and that the page tells of every rule that is shipped."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from hub.anomalies.detectors import enumeration
from hub.anomalies.rulebook import FILE, SHIPPED, AnomalyRules, AnomalyRulesFault
from tests.anomalies.build import RULES
from tests.docs.pages import DOCS

pytestmark = pytest.mark.fast
_RULE = """
[[versions]]
in_force_from = {day}
[[versions.rules]]
id = "NIGHT"
kind = "HOURS"
severity = "LOW"
floor = 20
cold_floor = 300
days = 5
percent = 5
text = "夜间"
text_en = "Night"
"""


def rules_in(directory: Path, text: str) -> AnomalyRules:
    (directory / FILE).write_text(text, "utf-8")
    return AnomalyRules.of_home(directory)


def test_a_citys_own_rules_stand_for_the_whole(tmp_path: Path) -> None:
    assert AnomalyRules.of_home(tmp_path) == RULES
    own = rules_in(tmp_path, _RULE.format(day="2026-01-01") + _RULE.format(day="2026-03-01").replace("floor = 20", "floor = 50"))
    assert [rule.floor for day in (date(2025, 12, 31), date(2026, 2, 28), date(2026, 3, 1)) for rule in own.on(day).rules] == [20, 50]
    assert own.versions[0].sha256 != own.versions[1].sha256


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("percent = 5\n", "", "has the parameters cold_floor, days, floor, percent"),
        ("percent = 5\n", "percent = 5\ntimes = 2\n", "has the parameters"),
        ('severity = "LOW"', 'severity = "LOW"\naction = "THROTTLE"', "throttle stands with the action THROTTLE"),
        ("floor = 20", "floor = 0", "versions[0].rules[0].floor"),
        ('kind = "HOURS"', 'kind = "MOOD"', "versions[0].rules[0].kind"),
        ("days = 5", "days = ", "TOML"),
    ],
)
def test_a_wrong_file_is_told_by_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(AnomalyRulesFault) as fault:
        rules_in(tmp_path, _RULE.format(day="2026-01-01").replace(old, new))
    assert told in str(fault.value)
    assert FILE in str(fault.value)


def test_enumeration_throttles_and_all_else_alerts() -> None:
    assert {rule.id for version in AnomalyRules.read(SHIPPED).versions for rule in version.rules if rule.action == "THROTTLE"} == {"ENUMERATION"}


@pytest.mark.parametrize(
    ("hour", "day", "found"),
    [
        ((100, 20), (100, 20), None),
        ((100, 21), (100, 21), (21, 20)),
        ((200, 21), (200, 21), None),
        ((19, 19), (300, 61), (61, 60)),
        ((19, 19), (400, 61), None),
    ],
)
def test_enumeration_needs_a_number_and_a_share(hour: tuple[int, int], day: tuple[int, int], found: tuple[int, int] | None) -> None:
    assert enumeration(RULES.versions[0].of_kind("ENUMERATION")[0], hour, day) == found


def table() -> str:
    """The rules that are shipped, as the page has them."""
    lines = ["| rule | kind | severity | follows | parameters | 说明 · meaning |", "| --- | --- | --- | --- | --- | --- |"]
    for rule in RULES.versions[-1].rules:
        given = {**rule.parameters, **({f"throttle.{name}": value for name, value in rule.throttle.model_dump().items()} if rule.throttle else {})}
        said = ", ".join(f"`{name}` {value}" for name, value in given.items())
        lines.append(f"| `{rule.id}` | `{rule.kind}` | `{rule.severity}` | `{rule.action}` | {said} | {rule.text} · {rule.text_en} |")
    return "\n".join(lines) + "\n"


def test_the_page_has_the_rules_that_are_shipped() -> None:
    assert table() in (DOCS / "anomalies.md").read_text("utf-8")
