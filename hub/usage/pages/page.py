"""The report as one HTML file: nothing is loaded from anywhere, and without scripts the tables still say everything."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

import orjson

from hub.usage.pages.charts import Chart, charts_of
from hub.usage.pages.layout import Head, Table, Value, shown
from hub.usage.pages.origin import headline, origin, title
from hub.usage.pages.tables import tables_of
from hub.usage.report import UsageReport

FIRST = 15
"""Rows of a table that are seen at once; the others unfold."""
_HERE = Path(__file__).parent
LIBRARY = _HERE.parents[1] / "console" / "dist" / "echarts.min.js"
"""The parts of ECharts that the charts need, as ``make build`` leaves them."""


class NotBuilt(Exception):
    """The chart library was not built. ``str()`` says the remedy."""


@dataclass(frozen=True, slots=True)
class _Section:
    key: str
    zh: str
    en: str
    charts: tuple[tuple[str, ...], ...] = ()
    """Charts of one row together."""
    tables: tuple[str, ...] = ()
    note_zh: str = ""
    note_en: str = ""


_SECTIONS = (
    _Section(
        "time",
        "各月各日",
        "Months and days",
        (("months",), ("weeks",)),
        ("months", "days"),
        "一次调用涉及几项资源即计几次。计入：成功且未被防止虚增的规则排除的调用。",
        "A call of several resources counts once for each. Counted: served, and not taken by a rule against inflation.",
    ),
    _Section("departments", "部门", "Departments", (("providers", "consumers"),), ("providers", "consumers", "registered")),
    _Section("flows", "部门之间", "Between departments", (("flows",),), ("flows",)),
    _Section("resources", "资源与应用", "Resources and applications", (("resources", "applications"),), ("resources", "applications")),
    _Section("purposes", "用途与场景", "Purposes and scenarios", (("purposes", "scenarios"),), ("purposes", "scenarios", "operations", "media")),
    _Section(
        "quality",
        "质量",
        "Quality",
        (("latency",), ("codes", "discounts")),
        ("latency", "codes", "discounts"),
        "百分位数为所在区间的上限，不超过最长一次。拒绝与失败按错误代码统计。",
        "A percentile is the upper bound of its bucket, and no more than the longest call. Refusals and failures are counted by error code.",
    ),
    _Section("unused", "闲置", "Unused", (), ("unused_grants", "unused_resources")),
    _Section(
        "punctuality",
        "及时率",
        "Punctuality",
        (("requests", "feedback"),),
        ("requests", "feedback"),
        "及时率 = 按期 ÷（按期 + 迟延 + 逾期未答）。",
        "Rate = on time ÷ (on time + late + overdue).",
    ),
)


def chart_library(path: Path | None = None) -> str:
    """The script that draws charts.

    Raises:
        NotBuilt: it is not there.
    """
    try:
        return (path or LIBRARY).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotBuilt("图表程序尚未构建，请运行 make build the chart library has not been built: run make build") from None


def render(report: UsageReport, library: str) -> str:
    """The page."""
    charts = charts_of(report)
    scripts = (_as_script(library), _as_script((_HERE / "report.js").read_text(encoding="utf-8")))
    data = orjson.dumps({key: chart.as_json() for key, chart in charts.items()}).decode().replace("<", "\\u003c")
    drawing = "".join(f"<script>{script}</script>\n" for script in scripts)
    zh, en = title(report)
    return (
        f'<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n{_policy(scripts)}\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{_text(zh)} {report.since} – {report.until}</title>\n'
        f"<style>\n{(_HERE / 'report.css').read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
        f"{_top(report, zh, en)}{_body(report, charts)}"
        f'<script type="application/json" id="charts">{data}</script>\n{drawing}</body>\n</html>\n'
    )


def _policy(scripts: Iterable[str]) -> str:
    allowed = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in scripts)
    # ECharts writes styles into its tooltips.
    rules = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def _as_script(text: str) -> str:
    """A script that ends where its element ends (HTML, 13.1.2.1: what its text may not hold). Line ends are those that a browser hashes."""
    return "\n" + re.sub("</(?=script)", r"<\\/", text.replace("\r\n", "\n"), flags=re.IGNORECASE).replace("<!--", "<\\!--") + "\n"


def _top(report: UsageReport, zh: str, en: str) -> str:
    cards = "".join(f"<div><dt>{zh}<small lang=en>{en}</small></dt><dd>{shown(value, kind)}</dd></div>" for zh, en, value, kind in headline(report))
    links = "".join(f'<a href="#{each.key}">{each.zh} {each.en}</a>' for each in (*_SECTIONS, _Section("origin", "来源", "Origin")))
    return (
        f"<header>\n<h1>{_text(zh)}<small lang=en>{_text(en)}</small></h1>\n<p class=about>{report.since} – {report.until}</p>\n"
        f"<nav>{links}</nav>\n<dl class=headline>{cards}</dl>\n</header>\n"
    )


def _body(report: UsageReport, charts: dict[str, Chart]) -> str:
    tables = tables_of(report)
    return "".join(_section(each, tables, charts) for each in _SECTIONS) + _origin(report)


def _section(section: _Section, tables: dict[str, Table], charts: dict[str, Chart]) -> str:
    rows = "".join(_figures([(key, charts[key]) for key in row if key in charts]) for row in section.charts)
    shown_tables = "".join(_table(tables[key].brief()) for key in section.tables)
    note = f"<p class=note>{section.note_zh} <span lang=en>{section.note_en}</span></p>" if section.note_zh else ""
    return f'<section id="{section.key}">\n<h2>{section.zh}<small lang=en>{section.en}</small></h2>\n{note}{rows}{shown_tables}</section>\n'


def _figures(charts: list[tuple[str, Chart]]) -> str:
    made = "".join(
        f'<figure data-chart="{key}" hidden><figcaption>{_text(chart.zh)}<small lang=en>{_text(chart.en)}</small></figcaption><div class=drawing></div></figure>\n'
        for key, chart in charts
    )
    return f"<div class=pair>\n{made}</div>\n" if len(charts) > 1 else made


def _table(table: Table) -> str:
    heading = f"<h3>{table.zh}<small lang=en>{table.en} · {len(table.rows):,}</small></h3>\n"
    if table.note_zh:
        heading += f"<p class=note>{table.note_zh} <span lang=en>{table.note_en}</span></p>\n"
    if not table.rows:
        return f"{heading}<p>无 none</p>\n"
    rest = table.rows[FIRST:]
    made = heading + _rows(table.heads, table.rows[:FIRST], 1)
    if rest:
        said = f"其余 {len(rest):,} 行 the other {len(rest):,} rows"
        made += f"<details><summary>{said}</summary>\n{_rows(table.heads, rest, FIRST + 1)}</details>\n"
    return made


def _rows(heads: tuple[Head, ...], rows: Iterable[tuple[Value, ...]], first: int) -> str:
    marks = ["" if head.kind in ("text", "day") else " class=n" for head in heads]
    top = "".join(f"<th{mark}>{head.zh}<small lang=en>{head.en}</small></th>" for head, mark in zip(heads, marks, strict=True))
    lines = "".join(
        f"<tr><td class=n>{number}</td>"
        + "".join(f"<td{mark}>{_text(shown(value, head.kind))}</td>" for value, head, mark in zip(row, heads, marks, strict=True))
        + "</tr>\n"
        for number, row in enumerate(rows, first)
    )
    narrow = " class=narrow" if len(heads) < 4 and all(head.kind != "text" for head in heads[1:]) else ""
    return f"<div class=scroll><table{narrow}><thead><tr><th class=n>#</th>{top}</tr></thead>\n<tbody>\n{lines}</tbody></table></div>\n"


def _origin(report: UsageReport) -> str:
    facts = "".join(
        f"<tr><th scope=row>{zh}<small lang=en>{en}</small></th><td><pre>{_text(shown(value, kind).rstrip())}</pre></td></tr>\n"
        for zh, en, value, kind in origin(report)
    )
    note = "数字只来自调用日志；任何持有日志的人可重新计算。规则与各数字的定义见 docs/usage.md。"
    said = "The figures come from the ledger alone; whoever holds it can count them again. docs/usage.md defines each of them, and the rules."
    return (
        f'<section id="origin">\n<h2>来源<small lang=en>Origin</small></h2>\n<p class=note>{note} <span lang=en>{said}</span></p>\n'
        f"<table class=facts><tbody>\n{facts}</tbody></table>\n</section>\n"
    )


def _text(text: str) -> str:
    return escape(text)
