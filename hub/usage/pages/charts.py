"""The report's charts as data: ``report.js`` draws them with ECharts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Literal

from hub.usage.figures import BOUNDS, Figures
from hub.usage.pages.tables import names_of
from hub.usage.report import Line, Punctuality, UsageReport

MOST = 60
"""Bars, rows and columns of one chart; tables have the rest."""
_FEW = 25
_WEEKDAYS = ("周一 Mon", "周二 Tue", "周三 Wed", "周四 Thu", "周五 Fri", "周六 Sat", "周日 Sun")


@dataclass(frozen=True, slots=True)
class Series:
    """Bars of one colour, named by what they mean."""

    name: str
    colour: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """``columns`` stand upright and stacked, ``ranked`` lie side by side, ``stacked`` lie in one row; a ``matrix`` has cells (column, row, value)."""

    kind: Literal["columns", "ranked", "stacked", "matrix"]
    zh: str
    en: str
    labels: Sequence[str]
    series: Sequence[Series] = ()
    rows: Sequence[str] = ()
    cells: Sequence[tuple[int, int, int]] = ()
    titles: Sequence[str] = ()
    """Of each cell."""
    across: str = ""
    down: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the page's script."""
        return asdict(self)


def charts_of(report: UsageReport) -> dict[str, Chart]:
    """Every chart that has something to show, by its key."""
    made = {
        "months": _outcomes(report.months),
        "weeks": _weeks(report.days),
        "providers": _ranked("数据提供部门", "Providing departments", report.providers, MOST),
        "consumers": _ranked("数据使用部门", "Consuming departments", report.consumers, MOST),
        "flows": _flows(report),
        "resources": _ranked("资源", "Resources", report.resources, _FEW),
        "applications": _ranked("应用", "Applications", report.applications, _FEW),
        "purposes": _ranked("用途", "Purposes", report.purposes, _FEW),
        "scenarios": _ranked("应用场景", "Scenarios", report.scenarios, _FEW),
        "latency": _latency(report.totals),
        "codes": _counts("错误代码", "Error codes", [(each.code, each.calls) for each in report.codes], "refused"),
        "discounts": _counts("未计入的调用，按规则", "Calls not counted, by rule", [(each.rule, each.calls) for each in report.discounts], "rest"),
        "requests": _punctuality("共享申请的答复", "Replies to access requests", report, report.requests),
        "feedback": _punctuality("反馈的答复", "Replies to feedback", report, report.feedback or ()),
    }
    return {key: chart for key, chart in made.items() if chart.labels}


def _series(name: str, colour: str, lines: Sequence[Line], of: Callable[[Figures], int]) -> Series:
    return Series(name, colour, [of(line.figures) for line in lines])


def _outcomes(months: Sequence[Line]) -> Chart:
    return Chart(
        kind="columns",
        zh="各月调用",
        en="Calls by month",
        labels=[each.code for each in months],
        series=[
            _series("计入 counted", "counted", months, lambda f: f.counted),
            _series("成功未计入 served, not counted", "rest", months, lambda f: f.discounted),
            _series("拒绝 refused", "refused", months, lambda f: f.refused),
            _series("失败 failed", "failed", months, lambda f: f.failed),
        ],
    )


def _ranked(zh: str, en: str, lines: Sequence[Line], most: int) -> Chart:
    some = lines[:most]
    first = f"，前 {most}" if len(lines) > most else ""
    return Chart(
        kind="ranked",
        zh=f"{zh}{first}",
        en=f"{en}{f', the first {most}' if first else ''}",
        labels=[each.name or each.code or "–" for each in some],
        series=[_series("调用 calls", "rest", some, lambda f: f.calls), _series("计入 counted", "counted", some, lambda f: f.counted)],
    )


def _counts(zh: str, en: str, counts: Sequence[tuple[str, int]], colour: str) -> Chart:
    some = counts[:_FEW]
    return Chart(kind="ranked", zh=zh, en=en, labels=[code for code, _ in some], series=[Series("调用 calls", colour, [calls for _, calls in some])])


def _weeks(days: Sequence[Line]) -> Chart:
    """One column a week, from the Monday of the first day on."""
    if not days:
        return Chart(kind="matrix", zh="", en="", labels=())
    calls = {date.fromisoformat(each.code): each.figures.calls for each in days}
    first = min(calls) - timedelta(days=min(calls).weekday())
    mondays = [first + timedelta(weeks=number) for number in range((max(calls) - first).days // 7 + 1)]
    ordered = sorted(calls)
    return Chart(
        kind="matrix",
        zh="各日调用",
        en="Calls by day: one column a week",
        labels=[each.isoformat() for each in mondays],
        rows=_WEEKDAYS,
        cells=[((day - first).days // 7, day.weekday(), calls[day]) for day in ordered],
        titles=[f"{day} {_WEEKDAYS[day.weekday()]}" for day in ordered],
    )


def _flows(report: UsageReport) -> Chart:
    name = names_of(report)
    providers = list(dict.fromkeys(each.provider for each in report.flows))
    consumers = list(dict.fromkeys(each.consumer for each in report.flows))
    across = {code: number for number, code in enumerate(_by_calls(providers, report.providers)[:MOST])}
    down = {code: number for number, code in enumerate(_by_calls(consumers, report.consumers)[:MOST])}
    drawn = [each for each in report.flows if each.provider in across and each.consumer in down]
    return Chart(
        kind="matrix",
        zh="谁使用了谁的数据：部门间调用",
        en="Who used whose data: calls between departments",
        labels=[name(code) for code in across],
        rows=[name(code) for code in down],
        cells=[(across[each.provider], down[each.consumer], each.calls) for each in drawn],
        titles=[f"{name(each.consumer)} → {name(each.provider)}" for each in drawn],
        across="提供部门 providers",
        down="使用部门 consumers",
    )


def _by_calls(codes: Sequence[str], lines: Sequence[Line]) -> list[str]:
    places = {line.code: number for number, line in enumerate(lines)}
    return sorted(codes, key=lambda code: places.get(code, len(places)))


def _latency(total: Figures) -> Chart:
    labels = [f"≤ {bound:,}" for bound in BOUNDS] + [f"> {BOUNDS[-1]:,}"]
    return Chart(
        kind="columns",
        zh="响应时间（毫秒）",
        en="Response times in milliseconds",
        labels=labels if any(total.buckets) else (),
        series=[Series("成功的调用 served calls", "counted", total.buckets)],
    )


def _punctuality(zh: str, en: str, report: UsageReport, found: Sequence[Punctuality]) -> Chart:
    name = names_of(report)
    some = sorted(found, key=lambda each: (each.rate is None, each.rate or 0, each.department))[:MOST]
    return Chart(
        kind="stacked",
        zh=zh,
        en=en,
        labels=[name(each.department) for each in some],
        series=[
            Series("按期 on time", "good", [each.on_time for each in some]),
            Series("迟延 late", "late", [each.late for each in some]),
            Series("逾期未答 overdue", "failed", [each.overdue for each in some]),
            Series("未到期 within the term", "open", [each.open for each in some]),
        ],
    )
