"""The page: its figures are the report's, names are text, nothing is loaded, and it says everything without scripts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hub.usage.pages.charts import MOST, charts_of
from hub.usage.pages.page import FIRST, LIBRARY, NotBuilt, chart_library, render
from hub.usage.report import Flow, Line, UsageReport
from tests.console.test_build import LOADED
from tests.usage.reports import FORMULA, HOSTILE, figures, report

pytestmark = pytest.mark.fast
_LIBRARY = "/* </script></SCRIPT><!-- */ var echarts = {};"


class _Seen(HTMLParser):
    """Elements with their attributes, the texts of scripts, and the cells of tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.rows: list[list[str]] = []
        self.texts: list[str] = []
        self._in = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in = tag
        if tag == "script":
            self.scripts.append("")
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts[-1] += data
        elif self._in == "td":
            self.rows[-1][-1] += data
        if self._in not in ("script", "style"):
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in = ""


@pytest.fixture(scope="module")
def page() -> str:
    return render(report(), _LIBRARY)


def test_tables_say_what_the_report_says(page: str) -> None:
    rows, said = _Seen(page).rows, report().as_json()
    first = next(row for row in rows if row[1:3] == [HOSTILE, "civil"])
    figure = said["providers"][0]["figures"]
    wanted = [figure[name] for name in ("calls", "served", "counted", "refused", "failed", "rows", "subjects", "p50Ms", "p95Ms")]
    assert first[3:12] == [f"{value:,}" for value in wanted]
    assert first[12:] == ["1.5", f"{1050 / 1200:.2%}"]
    assert ["1", "SELF_CALL", "50", "本部门自调用，不计入", "Own calls are not counted"] in rows
    assert ["1", FORMULA, HOSTILE, "700", "600", "9,000"] in rows
    assert ["3", "住建局", HOSTILE, "9", "9", "9"] in rows
    assert ["1", HOSTILE, "civil", "6", "1", "1", "5", "75.00%"] in rows
    assert ["2", FORMULA, "tax", "0", "0", "0", "2", "–"] in rows
    assert ["1", "g1", "app_1", FORMULA, "civil.r1", HOSTILE, "2025-09-01", "2025-09-01", "180"] in rows
    assert len([row for row in rows if len(row) > 2 and row[2].startswith("civil.r")]) == 40


def test_the_origin_names_ledger_rules_and_the_command(page: str) -> None:
    text = "".join(_Seen(page).texts)
    anchors = report().anchors
    for said in (anchors.root, "5,000", "ab" * 32, "huitong usage recompute --from 2026-01-01 --to 2026-02-28 --check", "2026-03-01 10:03:04+08:00"):
        assert said in text
    assert anchors.checkpoint.strip() in text
    assert "usage report --from 2026-01-01 --to 2026-02-28 --department 'a b'" in "".join(_Seen(render(report("a b"), "")).texts)


def test_names_are_text_wherever_they_stand(page: str) -> None:
    seen = _Seen(page)
    assert len(seen.scripts) == 3
    assert {tag for tag, _ in seen.elements} & {"img", "iframe", "link", "object", "base", "form"} == set()
    assert [name for _, attributes in seen.elements for name in attributes if name.startswith("on")] == []
    assert "alert(1)</script>" not in page
    charts = json.loads(seen.scripts[0])
    assert charts["providers"]["labels"] == [HOSTILE, FORMULA]


def test_charts_are_of_the_reports_figures() -> None:
    made, said = charts_of(report()), report().as_json()
    assert [list(each.values) for each in made["providers"].series] == [[1200, 900], [1000, 500]]
    assert [sum(values) for values in zip(*(each.values for each in made["months"].series), strict=True)] == [m["figures"]["calls"] for m in said["months"]]
    assert made["weeks"].cells[0] == (0, 3, 201)
    assert (made["weeks"].cells[-1], made["weeks"].labels[0]) == ((4, 5, 231), "2025-12-29")
    assert (made["flows"].cells, made["flows"].titles[0]) == ([(0, 0, 700), (1, 1, 20), (0, 2, 9)], f"{FORMULA} → {HOSTILE}")
    assert list(made["latency"].series[0].values) == [each["calls"] for each in said["totals"]["latency"]]
    assert (len(made["resources"].labels), made["resources"].zh) == (25, "资源，前 25")


def test_many_departments_are_drawn_up_to_a_bound() -> None:
    whole = report()
    many = [Line(f"d{n:03}", figures()) for n in range(90)]
    flows = [Flow("civil", line.code, 5, 5, 5) for line in many]
    made = charts_of(
        UsageReport(
            since=whole.since, until=whole.until, made_at=whole.made_at, totals=figures(), providers=tuple(many), flows=tuple(flows), anchors=whole.anchors
        )
    )
    assert (len(made["providers"].labels), len(made["flows"].labels), len(made["flows"].cells)) == (MOST, MOST, MOST)


def test_nothing_is_loaded_and_only_its_own_scripts_run(page: str) -> None:
    seen = _Seen(page)
    assert LOADED.search(page) is None
    assert [attributes for _, attributes in seen.elements if {"src", "srcset", "data", "action"} & attributes.keys()] == []
    assert all((attributes["href"] or "").startswith("#") for _, attributes in seen.elements if "href" in attributes)
    policy = next(attributes["content"] or "" for _, attributes in seen.elements if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    hashes = re.findall(r"'sha256-([^']+)'", policy)
    assert hashes == [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in seen.scripts[1:]]


def test_without_scripts_no_place_is_left_for_charts(page: str) -> None:
    drawn = [attributes for tag, attributes in _Seen(page).elements if tag == "figure"]
    assert drawn
    assert all("hidden" in attributes for attributes in drawn)
    bare = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert _Seen(bare).rows == _Seen(page).rows
    assert f"其余 {40 - FIRST} 行" in bare


def test_an_empty_period() -> None:
    whole = report()
    page = render(UsageReport(since=whole.since, until=whole.until, made_at=whole.made_at, totals=figures(150, 0).__class__(), anchors=whole.anchors), "")
    assert "<figure" not in page
    assert page.count("无 none") == 19


def test_a_library_that_was_not_built(tmp_path: Path) -> None:
    with pytest.raises(NotBuilt, match="make build"):
        chart_library(tmp_path / "echarts.min.js")


@pytest.mark.parametrize("text", ["</script", "<!--"])
def test_the_built_library_can_stand_in_a_page(text: str) -> None:
    assert text not in chart_library(LIBRARY)
