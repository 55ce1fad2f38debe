"""The report as an XLSX workbook (ECMA-376): a sheet for each table, numbers and days as such. The same report makes the same bytes."""

from __future__ import annotations

import io
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from hub.store.base import CHINA
from hub.usage.pages.layout import Kind, Table, Value
from hub.usage.pages.origin import Fact, headline, origin, title
from hub.usage.pages.tables import tables_of
from hub.usage.report import UsageReport

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

_FORMATS: dict[Kind, dict[str, Any]] = {
    "text": {"text_wrap": True},
    "count": {"num_format": "#,##0"},
    "share": {"num_format": "0.00%"},
    "tenth": {"num_format": "#,##0.0"},
    "day": {"num_format": "yyyy-mm-dd", "align": "left"},
}
_WIDTHS: dict[Kind, int] = {"text": 24, "count": 13, "share": 11, "tenth": 13, "day": 13}
_TEXT_MOST = 32_767
"""Characters of a cell."""
# Text stays text: a name that begins with "=" is no formula, and one that looks like an address no link.
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def workbook(report: UsageReport) -> bytes:
    """The workbook."""
    # A command that makes none does without the library.
    from xlsxwriter.workbook import Workbook

    file = io.BytesIO()
    book = Workbook(file, _OPTIONS)
    zh, en = title(report)
    book.set_properties({"title": f"{zh} {en}", "created": report.made_at.astimezone(CHINA).replace(tzinfo=None)})
    formats = {kind: book.add_format({"valign": "top", **said}) for kind, said in _FORMATS.items()}
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#DCE6F0", "bottom": 1})
    _facts(book, "概览 Overview", headline(report), formats, head)
    for table in tables_of(report).values():
        _table(book, table, formats, head)
    _facts(book, "来源 Origin", origin(report), formats, head)
    book.close()
    return file.getvalue()


def _facts(book: Workbook, name: str, facts: tuple[Fact, ...], formats: dict[Kind, Any], head: Any) -> None:
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 1, 36)
    sheet.set_column(2, 2, 90 if any(kind == "text" for *_, kind in facts) else 18)
    sheet.write_row(0, 0, ("项目", "Item", "值 Value"), head)
    sheet.freeze_panes(1, 0)
    for row, (zh, en, value, kind) in enumerate(facts, 1):
        _write(sheet, row, 0, zh, formats["text"])
        _write(sheet, row, 1, en, formats["text"])
        _write(sheet, row, 2, value, formats[kind])


def _table(book: Workbook, table: Table, formats: dict[Kind, Any], head: Any) -> None:
    sheet = book.add_worksheet(_sheet_name(table))
    for column, each in enumerate(table.heads):
        sheet.set_column(column, column, _WIDTHS[each.kind])
        _write(sheet, 0, column, f"{each.zh}\n{each.en}", head)
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, len(table.rows)), len(table.heads) - 1)
    for number, row in enumerate(table.rows, 1):
        for column, value in enumerate(row):
            _write(sheet, number, column, value, formats[table.heads[column].kind])


def _write(sheet: Worksheet, row: int, column: int, value: Value, form: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, str):
        sheet.write_string(row, column, value[:_TEXT_MOST], form)
    elif isinstance(value, (int, float)):
        sheet.write_number(row, column, value, form)
    else:
        sheet.write_datetime(row, column, datetime.combine(value, time()), form)


def _sheet_name(table: Table) -> str:
    """At most 31 characters."""
    return f"{table.zh.partition('，')[0]} {table.key.replace('_', ' ')}"[:31]
