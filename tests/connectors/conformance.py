"""The conformance table, made from a run of the kit: ``pytest -p tests.connectors.conformance tests/connectors/test_conformance*.py``.

The table is written only where every behaviour was run on every stand and passed; what a run leaves out cannot be published.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from connectors.selection import Comparison
from connectors.spi import Capabilities
from tests.connectors.stands import stands
from tests.connectors.stands.stand import People

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
BEGIN = "<!-- from a run of the conformance kit: make conformance -->"

_passed: Counter[tuple[str, str, str]] = Counter()
_failed: set[tuple[str, str, str]] = set()
_unexercised: set[tuple[str, str, str]] = set()
_declared: dict[str, dict[str, str]] = {}


def note(node: pytest.Item, people: People) -> None:
    """Notes on a test which behaviour it shows on which stand, and what the stand's connector declares."""
    marker = node.get_closest_marker("behaviour")
    if marker is not None:
        needed = {"slow": people.slow, "insert": people.insert}.get(marker.kwargs.get("needs", ""), people)
        node.user_properties.append(("exercised", needed is not None))
        node.user_properties.append(("behaviour", [*marker.args, people.kind]))
        node.user_properties.append(("declares", [people.kind, declares(people.source.capabilities)]))


def declares(capabilities: Capabilities) -> dict[str, str]:
    """A connector's capabilities in words, by heading."""
    hub = "平台 hub"
    known = [each.value for each in Comparison if each in capabilities.comparisons]
    return {
        "比较 comparisons": "全部 all" if len(known) == len(Comparison) else ", ".join(f"`{each}`" for each in known) or hub,
        "排序与键集 order, keyset": "源 source" if capabilities.order else hub,
        "打乱的排序 scrambled order": "源 source" if capabilities.scrambles else hub,
        "脱敏 masks": "源 source" if capabilities.masks else hub,
        "核验比对 matches": "源 source" if capabilities.matches else hub,
        "每次键数 keys per call": str(capabilities.keys_per_call or hub),
        "链接筛选 link filters": "源 source" if capabilities.links else "拒绝 refused",
        "聚合 aggregates": "源 source" if capabilities.aggregates else hub,
        "列出对象 objects": "源 source" if capabilities.objects else "拒绝 refused",
    }


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Counts outcomes by behaviour and stand."""
    properties: list[tuple[str, Any]] = list(report.user_properties)
    exercised = dict(properties).get("exercised", True)
    for name, value in properties:
        if name == "declares":
            _declared.update({value[0]: value[1]})
        elif name == "behaviour" and report.failed:
            _failed.add((value[0], value[1], value[2]))
        elif name == "behaviour" and report.when == "call":
            _passed[value[0], value[1], value[2]] += 1
            if not exercised:
                _unexercised.add((value[0], value[1], value[2]))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the page, or says why not."""
    columns = [stand.name for stand in stands()]
    rows = list(dict.fromkeys((chinese, english) for chinese, english, _ in _passed))
    missing = [(english, column) for chinese, english in rows for column in columns if not _passed[chinese, english, column]]
    if _failed or missing or not rows:
        session.config.get_terminal_writer().line(f"docs/conformance.md is not written: failed {sorted(_failed)}, not run {missing}")
        return
    PAGE.write_text(PAGE.read_text(encoding="utf-8").partition(BEGIN)[0] + BEGIN + "\n" + _tables(rows, columns), encoding="utf-8")


def _tables(rows: list[tuple[str, str]], columns: list[str]) -> str:
    head = ["行为 behaviour", *columns]
    lines = [_line(head), _line(["---"] * len(head))]
    lines += [_line([f"{chinese} {english}", *(_cell((chinese, english, column)) for column in columns)]) for chinese, english in rows]
    headings = list(_declared[columns[0]])
    lines += ["", "## 能力声明 Declared capabilities", "", _line(["能力 capability", *columns]), _line(["---"] * len(head))]
    lines += [_line([heading, *(_declared[column][heading] for column in columns)]) for heading in headings]
    return "\n".join(lines) + "\n"


def _cell(key: tuple[str, str, str]) -> str:
    """Passed how often, or not exercised: the stand has nothing that the behaviour needs."""
    return "—" if key in _unexercised else f"✓ {_passed[key]}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
