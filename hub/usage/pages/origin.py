"""What stands above and below the figures: the headline, and where the figures come from."""

from __future__ import annotations

import shlex

from hub.store.base import CHINA
from hub.usage.pages.layout import Kind, Value
from hub.usage.pages.tables import names_of
from hub.usage.report import UsageReport

Fact = tuple[str, str, Value, Kind]
"""Chinese, English, the value and its kind."""


def headline(report: UsageReport) -> tuple[Fact, ...]:
    """The figures of the whole period."""
    total = report.totals
    published = sum(each.resources for each in report.registered)
    return (
        ("调用", "Calls", total.calls, "count"),
        ("计入", "Counted", total.counted, "count"),
        ("成功率", "Served", total.served / total.calls if total.calls else None, "share"),
        ("数据行数", "Rows", total.rows, "count"),
        ("人次", "Subjects", total.subjects, "count"),
        ("提供部门", "Providers", len({each.provider for each in report.flows}), "count"),
        ("使用部门", "Consumers", len({each.consumer for each in report.flows}), "count"),
        ("应用", "Applications", sum(1 for each in report.applications if each.figures.served and each.code), "count"),
        ("被使用的资源", "Resources used", sum(1 for each in report.resources if each.figures.served), "count"),
        ("已发布的资源", "Resources published", published, "count"),
        ("响应时间 P95（毫秒）", "Response time p95, ms", total.percentile(95), "count"),
        ("数据源可用", "Sources available", 1 - total.unavailable / total.calls if total.calls else None, "share"),
    )


def title(report: UsageReport) -> tuple[str, str]:
    """The report's title in both languages."""
    whose = f"{names_of(report)(report.department)} · " if report.department else ""
    return f"{whose}数据共享使用情况报告", f"Usage of shared data{f', {report.department}' if report.department else ''}"


def origin(report: UsageReport) -> tuple[Fact, ...]:
    """What the figures were computed from, and how they are computed again."""
    anchors = report.anchors
    rules = "; ".join(f"{each.version} (SHA-256 {each.sha256}, {each.days} 天 days)" for each in report.rules)
    return (
        ("统计期（北京日，首末日均含）", "Period, Beijing days, both included", f"{report.since} – {report.until}", "text"),
        ("范围", "Scope", report.department or "全部部门 all departments", "text"),
        ("生成时间（UTC+8）", "Made at, UTC+8", report.made_at.astimezone(CHINA).isoformat(sep=" ", timespec="seconds"), "text"),
        ("日志", "Ledger", anchors.log, "text"),
        ("检查点的条目数", "Entries of the checkpoint", anchors.size, "count"),
        ("检查点的树根", "Root of the checkpoint", anchors.root, "text"),
        ("数字所依据的条目数", "Entries that the figures rest on", anchors.through, "count"),
        ("已结转的日数", "Days closed by an entry of the ledger", anchors.days_closed, "count"),
        ("尚可变化的日数", "Days that may still grow", anchors.days_open, "count"),
        ("防止虚增的规则", "Rules against inflation", rules, "text"),
        ("重新计算并核对", "Count again and compare", f"huitong usage recompute --from {report.since} --to {report.until} --check", "text"),
        ("重新生成本报告", "Make this report again", _again(report), "text"),
        ("检查点", "Checkpoint", anchors.checkpoint, "text"),
    )


def _again(report: UsageReport) -> str:
    whose = f" --department {shlex.quote(report.department)}" if report.department else ""
    return f"huitong usage report --from {report.since} --to {report.until}{whose}"
