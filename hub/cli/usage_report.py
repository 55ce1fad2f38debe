"""``huitong usage report``: the report on a period as a page and a workbook, for whoever keeps the hub's home."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from hub.acts import make_id
from hub.cli.faults import CliFault
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import note, show_record
from hub.cli.session import acting, opened
from hub.cli.usage import From, To, follow, period
from hub.core import Core
from hub.ledger.entry import EntryDraft
from hub.store.engine import reading
from hub.usage.build import Known, build_report
from hub.usage.report import UsageReport
from hub.usage.rulebook import UsageRules

OPERATION = "usage.report"
"""Operation of the administrative entry that a report leaves."""
EPILOG = (
    EXAMPLES + "huitong usage report --from 2026-01-01 --to 2026-12-31 --xlsx usage-2026.xlsx\n\nhuitong usage report --department civil_affairs -o civil.html"
)


def command(
    since: From = None,
    until: To = None,
    department: Annotated[str | None, typer.Option(metavar="CODE", help="限该部门提供或使用的 Only what this department provided or consumed.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", dir_okay=False, metavar="FILE", help="网页文件，不得已存在 The page; must not exist. Default: usage-FROM-TO.html"),
    ] = None,
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", dir_okay=False, metavar="FILE", help="工作簿文件，不得已存在 The workbook as well; must not exist.")
    ] = None,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """生成使用情况报告 Write the report on a period: a page with charts that loads nothing, and a workbook. The report is an entry of the log."""
    # Of all commands this one alone renders.
    from hub.usage.pages.page import NotBuilt, chart_library, render

    first, last = period(since, until)
    page = output or Path(f"usage-{first}-{last}.html")
    files = [page, xlsx] if xlsx else [page]
    _check_free(files)
    try:
        library = chart_library()
    except NotBuilt as fault:
        raise CliFault(str(fault), "make build") from None
    with opened() as core:
        report = _build(core, first, last, department)
        by = acting(actor)
        core.ledger.append_sync(_entry(report, by.name, by.operator, ["HTML", "XLSX"] if xlsx else ["HTML"]))
    _tell("正在写出 writing")
    _write(page, render(report, library).encode())
    if xlsx:
        from hub.usage.pages.workbook import workbook

        _write(xlsx, workbook(report))
    record = {"files": [str(file) for file in files], "from": first, "to": last, "calls": report.totals.calls, "counted": report.totals.counted}
    show_record(record, as_json, f"已生成 written: {', '.join(map(str, files))}; {report.totals.calls:,} calls, {report.totals.counted:,} counted")


def _build(core: Core, first: date, last: date, department: str | None) -> UsageReport:
    _tell("正在发布日志 publishing the log")
    core.log.publisher.publish_all()
    follow(core, lambda done: _tell(f"正在汇总日志 rolling up the log: {done:,}"))
    _tell("正在统计 adding up")
    known = Known(core.catalog.current(), UsageRules.of_home(core.settings.home), core.book)
    with reading(core.engine, patience=0) as connection:
        report = build_report(connection, first, last, known, department=department)
    if department and department not in known.catalog.departments and not report.totals.calls:
        raise CliFault(f"没有部门 no department {department}", "huitong department list")
    return report


def _entry(report: UsageReport, actor: str, operator: str | None, forms: list[str]) -> EntryDraft:
    said = {"actor": actor, "act": OPERATION, "target": report.department or "", "from": str(report.since), "to": str(report.until), "formats": forms}
    return EntryDraft(kind="admin", call=make_id("act"), outcome="OK", operation=OPERATION, medium="FILE", operator=operator, details=said)


def _check_free(files: list[Path]) -> None:
    for file in files:
        if file.exists():
            raise CliFault(f"{file}: 文件已存在 the file exists", "请另选文件 choose another file")


def _write(file: Path, content: bytes) -> None:
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as opened_file:
            opened_file.write(content)
    except OSError as fault:
        raise CliFault(f"{file}: {fault.strerror}", "请另选文件 choose another file") from None


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        note(f"· {what}")
