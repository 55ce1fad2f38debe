"""The report's tables, each with the figures that ``docs/usage.md`` defines."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hub.usage.figures import BOUNDS, Figures
from hub.usage.pages.layout import Column, Table, Value, table
from hub.usage.report import CodeCount, Discount, Flow, Line, Punctuality, Registered, UnusedGrant, UnusedResource, UsageReport

Named = Callable[[str], str]


def tables_of(report: UsageReport) -> dict[str, Table]:
    """Every table of the report, by its key."""
    name = names_of(report)
    made = (*_figures(report, name), *_counts(report, name), *_unused(report, name), *_duties(report, name))
    return {each.key: each for each in made}


def names_of(report: UsageReport) -> Named:
    """What a department is called: its name, else its code."""
    known = {line.code: line.name for line in (*report.providers, *report.consumers) if line.name}
    known |= {each.code: each.name for each in report.departments}
    return lambda code: known.get(code) or code or "–"


def _figures(report: UsageReport, name: Named) -> Iterable[Table]:
    owned = _line_columns(name)
    plain = _line_columns()
    by_code = _line_columns(named=False)
    yield table("providers", "数据提供部门", "Providing departments", plain, report.providers)
    yield table("consumers", "数据使用部门", "Consuming departments", plain, report.consumers)
    yield table("resources", "资源", "Resources", owned, report.resources)
    yield table("applications", "应用", "Applications", owned, report.applications)
    yield table("purposes", "用途", "Purposes", by_code, report.purposes)
    yield table("scenarios", "应用场景", "Scenarios", by_code, report.scenarios)
    yield table("operations", "操作", "Operations", by_code, report.operations)
    yield table("media", "服务方式", "Service methods", by_code, report.media)
    yield table("months", "各月", "Months", by_code, report.months)
    yield table("days", "各日", "Days", by_code, report.days)


def _counts(report: UsageReport, name: Named) -> Iterable[Table]:
    yield table("flows", "部门间调用", "Flows between departments", _flow_columns(name), report.flows)
    yield table("codes", "错误代码", "Error codes", _CODES, report.codes)
    yield table("discounts", "未计入的调用，按规则", "Calls not counted, by rule", _DISCOUNTS, report.discounts)
    latency = list(zip((*BOUNDS, None), report.totals.buckets, strict=True))
    yield table("latency", "响应时间分布", "Distribution of response times", _LATENCY, latency if any(report.totals.buckets) else [])


def _unused(report: UsageReport, name: Named) -> Iterable[Table]:
    days = report.unused_days
    zh, en = f"至期末有效、连续 {days} 天以上没有成功调用的授权", f"in force at the end of the period, and without a served call for {days} days or more"
    yield table("unused_grants", "闲置授权", "Unused grants", _grant_columns(name), report.unused_grants, zh, en)
    zh, en = "已发布、期内没有成功调用的资源", "published, and without a served call in the period"
    yield table("unused_resources", "未被使用的资源", "Unused resources", _resource_columns(name), report.unused_resources, zh, en)


def _duties(report: UsageReport, name: Named) -> Iterable[Table]:
    yield table("registered", "目录登记", "Registered in the catalog", _registered_columns(name), report.registered)
    columns = _punctuality_columns(name)
    yield table("requests", "共享申请答复及时率", "Punctuality of replies to access requests", columns, report.requests)
    yield table("feedback", "反馈答复及时率", "Punctuality of replies to feedback", columns, report.feedback or ())


def _line_columns(owner: Named | None = None, named: bool = True) -> tuple[Column[Line], ...]:
    names: list[Column[Line]] = []
    if named:
        names = [Column("名称", "Name", "text", lambda line: line.name), Column("英文名称", "English name", "text", lambda line: line.name_en, aside=True)]
    names.append(Column("代码", "Code", "text", lambda line: line.code))
    if owner is not None:
        names.append(Column("所属部门", "Department", "text", lambda line: owner(line.department)))
        names.append(Column("部门代码", "Department's code", "text", lambda line: line.department, aside=True))
    return (*names, *(Column(each.zh, each.en, each.kind, _figure(each.of), each.aside) for each in _FIGURES))


def _figure(of: Callable[[Figures], Value]) -> Callable[[Line], Value]:
    return lambda line: of(line.figures)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


_FIGURES: tuple[Column[Figures], ...] = (
    Column("调用", "Calls", "count", lambda f: f.calls),
    Column("成功", "Served", "count", lambda f: f.served),
    Column("计入", "Counted", "count", lambda f: f.counted),
    Column("未计入", "Not counted", "count", lambda f: f.discounted, aside=True),
    Column("部分成功", "Partial", "count", lambda f: f.partial, aside=True),
    Column("拒绝", "Refused", "count", lambda f: f.refused),
    Column("失败", "Failed", "count", lambda f: f.failed),
    Column("行数", "Rows", "count", lambda f: f.rows),
    Column("人次", "Subjects", "count", lambda f: f.subjects),
    Column("字节", "Bytes", "count", lambda f: f.bytes, aside=True),
    Column("日志条目", "Entries", "count", lambda f: f.entries, aside=True),
    Column("P50 毫秒", "p50 ms", "count", lambda f: f.percentile(50)),
    Column("P95 毫秒", "p95 ms", "count", lambda f: f.percentile(95)),
    Column("P99 毫秒", "p99 ms", "count", lambda f: f.percentile(99), aside=True),
    Column("平均毫秒", "Mean ms", "tenth", lambda f: f.mean_ms, aside=True),
    Column("时效 小时", "Mean age, h", "tenth", lambda f: None if f.mean_age is None else f.mean_age / 3600),
    Column("及时", "Fresh", "share", lambda f: None if not f.served else 1 - f.stale / f.served, aside=True),
    Column("可用", "Available", "share", lambda f: None if not f.calls else 1 - f.unavailable / f.calls, aside=True),
    Column("成功率", "Served share", "share", lambda f: _ratio(f.served, f.calls)),
    Column("未能交付的值", "Undelivered values", "count", lambda f: f.undelivered, aside=True),
)

_CODES: tuple[Column[CodeCount], ...] = (
    Column("代码", "Code", "text", lambda each: each.code),
    Column("调用", "Calls", "count", lambda each: each.calls),
)

_DISCOUNTS: tuple[Column[Discount], ...] = (
    Column("规则", "Rule", "text", lambda each: each.rule),
    Column("未计入", "Not counted", "count", lambda each: each.calls),
    Column("公布的规则", "The rule as published", "text", lambda each: each.text),
    Column("公布的规则（英文）", "In English", "text", lambda each: each.text_en),
)

_LATENCY: tuple[Column[tuple[int | None, int]], ...] = (
    Column("毫秒，至", "Milliseconds, up to", "count", lambda each: each[0]),
    Column("成功的调用", "Served calls", "count", lambda each: each[1]),
)


def _flow_columns(name: Named) -> tuple[Column[Flow], ...]:
    return (
        Column("使用部门", "Consumer", "text", lambda each: name(each.consumer)),
        Column("使用部门代码", "Consumer's code", "text", lambda each: each.consumer, aside=True),
        Column("提供部门", "Provider", "text", lambda each: name(each.provider)),
        Column("提供部门代码", "Provider's code", "text", lambda each: each.provider, aside=True),
        Column("调用", "Calls", "count", lambda each: each.calls),
        Column("计入", "Counted", "count", lambda each: each.counted),
        Column("行数", "Rows", "count", lambda each: each.rows),
    )


def _grant_columns(name: Named) -> tuple[Column[UnusedGrant], ...]:
    return (
        Column("授权", "Grant", "text", lambda each: each.grant),
        Column("应用", "Application", "text", lambda each: each.application),
        Column("使用部门", "Consumer", "text", lambda each: name(each.consumer)),
        Column("使用部门代码", "Consumer's code", "text", lambda each: each.consumer, aside=True),
        Column("资源", "Resource", "text", lambda each: each.resource),
        Column("提供部门", "Provider", "text", lambda each: name(each.provider)),
        Column("提供部门代码", "Provider's code", "text", lambda each: each.provider, aside=True),
        Column("最近成功调用", "Last served call", "day", lambda each: each.last_used),
        Column("闲置自", "Unused since", "day", lambda each: each.unused_since),
        Column("天数", "Days", "count", lambda each: each.days),
    )


def _resource_columns(name: Named) -> tuple[Column[UnusedResource], ...]:
    return (
        Column("名称", "Name", "text", lambda each: each.name),
        Column("英文名称", "English name", "text", lambda each: each.name_en, aside=True),
        Column("代码", "Code", "text", lambda each: each.resource),
        Column("所属部门", "Department", "text", lambda each: name(each.department)),
        Column("部门代码", "Department's code", "text", lambda each: each.department, aside=True),
        Column("最近成功调用", "Last served call", "day", lambda each: each.last_used),
    )


def _registered_columns(name: Named) -> tuple[Column[Registered], ...]:
    return (
        Column("部门", "Department", "text", lambda each: name(each.department)),
        Column("代码", "Code", "text", lambda each: each.department),
        Column("资源", "Resources", "count", lambda each: each.resources),
        Column("信息项", "Items", "count", lambda each: each.items),
        Column("已被使用的资源", "Resources used", "count", lambda each: each.used),
        Column("使用率", "Share used", "share", lambda each: _ratio(each.used, each.resources)),
    )


def _punctuality_columns(name: Named) -> tuple[Column[Punctuality], ...]:
    return (
        Column("部门", "Department", "text", lambda each: name(each.department)),
        Column("代码", "Code", "text", lambda each: each.department),
        Column("按期", "On time", "count", lambda each: each.on_time),
        Column("迟延", "Late", "count", lambda each: each.late),
        Column("逾期未答", "Overdue", "count", lambda each: each.overdue),
        Column("未到期", "Within the term", "count", lambda each: each.open),
        Column("及时率", "Rate", "share", lambda each: each.rate),
    )
