"""The workbook, read back by another library: figures, kinds of cells, texts that stay texts, equal bytes."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from hub.usage.pages.tables import tables_of
from hub.usage.pages.workbook import workbook
from tests.usage.reports import FORMULA, HOSTILE, report

pytestmark = pytest.mark.fast


@pytest.fixture(scope="module")
def book() -> Any:
    return openpyxl.load_workbook(io.BytesIO(workbook(report())))


def _records(sheet: Any) -> list[dict[str, Any]]:
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip((name.partition("\n")[2] for name in head), row, strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    """A value as a cell keeps it: 12 of its digits, no empty texts, days without a time."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if value == "":
        return None
    return value.date() if isinstance(value, datetime) else value


def test_every_table_has_its_sheet_with_filter_and_frozen_head(book: Any) -> None:
    tables = tables_of(report())
    sheets = book.worksheets[1:-1]
    assert len(sheets) == len(tables)
    for sheet, table in zip(sheets, tables.values(), strict=True):
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref is not None
        read = [[_plain(value) for value in row] for row in sheet.iter_rows(min_row=2, values_only=True)]
        assert read == [[_plain(value) for value in row] for row in table.rows]


def test_figures_are_the_reports(book: Any) -> None:
    said = report().as_json()
    for sheet, key in (("数据提供部门 providers", "providers"), ("资源 resources", "resources"), ("各日 days", "days")):
        found = _records(book[sheet])
        for record, line in zip(found, said[key], strict=True):
            figure = line["figures"]
            names = {
                "Calls": "calls",
                "Counted": "counted",
                "Not counted": "discounted",
                "Rows": "rows",
                "Bytes": "bytes",
                "p95 ms": "p95Ms",
                "Mean ms": "meanMs",
            }
            assert {name: record[name] for name in names} == {name: figure[key] for name, key in names.items()}
    overview = {record[1]: record[2] for record in book["概览 Overview"].iter_rows(values_only=True)}
    assert (overview["Calls"], overview["Counted"], overview["Rows"]) == (1200, 1000, 98_765)


def test_cells_have_their_kinds(book: Any) -> None:
    [grant] = _records(book["闲置授权 unused grants"])
    assert (grant["Last served call"], grant["Days"]) == (datetime(2025, 9, 1), 180)  # noqa: DTZ001 - a day of a work sheet has no zone
    sheet = book["共享申请答复及时率 requests"]
    assert (sheet["G2"].value, sheet["G2"].number_format, sheet["C2"].data_type, sheet["G3"].value) == (0.75, "0.00%", "n", None)


def test_a_name_is_no_formula_and_no_link(book: Any) -> None:
    names = [cell for cell in book["数据提供部门 providers"]["A"] if cell.value in (HOSTILE, FORMULA)]
    assert [cell.data_type for cell in names] == ["s", "s"]
    assert not any(cell.data_type == "f" or cell.hyperlink for sheet in book.worksheets for row in sheet.iter_rows() for cell in row)


def test_the_origin_has_a_sheet(book: Any) -> None:
    origin = {row[1]: row[2] for row in book.worksheets[-1].iter_rows(values_only=True)}
    assert (origin["Root of the checkpoint"], origin["Entries that the figures rest on"]) == ("cd" * 32, 5000)


def test_the_same_report_makes_the_same_bytes() -> None:
    assert workbook(report()) == workbook(report())
