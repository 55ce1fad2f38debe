"""Every fault of a delivery is found, with its place, and no value of the file is in the report (COL-*: files)."""

from __future__ import annotations

import codecs
import json
import zipfile
from pathlib import Path

import openpyxl
import pytest

from connectors.files.findings import MOST_FINDINGS, TEXTS
from connectors.files.options import ColumnSpec
from connectors.selection import Kind
from tests.connectors.files_writing import COLUMNS, GOOD, HEADER, places, read, stored, write_jsonl, write_parquet, write_text, write_xlsx

pytestmark = pytest.mark.slow
Place = tuple[str, int | None, str | None]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", [("EMPTY", None, None)]),
        ("\n\n", [("NO_HEADER", None, None)]),
        ("编号,名称,金额,日期\n", [("TOO_FEW_ROWS", None, None)]),
        ("编号,名称,日期\n1,甲,2026-11-22\n", [("COLUMN_MISSING", 1, "金额")]),
        ("编号,名称,金额,日期,备注\n1,甲,1,2026-11-22,乙\n", [("COLUMN_EXTRA", 1, "备注")]),
        ("编号,名称,金额,日期,名称\n1,甲,1,2026-11-22,甲\n", [("COLUMN_TWICE", 1, "名称")]),
        ("编号,名称,金额,日期\nx,甲,1,2026-11-22\n", [("TYPE", 2, "编号")]),
        ("编号,名称,金额,日期\n１,甲,1,2026-11-22\n", [("TYPE", 2, "编号")]),
        ("编号,名称,金额,日期\n1_0,甲,1_0,2026-11-22\n", [("TYPE", 2, "编号"), ("TYPE", 2, "金额")]),
        ("编号,名称,金额,日期\n1,,1,2026-11-22\n", [("NULL", 2, "名称")]),
        ("编号,名称,金额,日期\n,甲,1,2026-11-22\n", [("NULL", 2, "编号")]),
        ("编号,名称,金额,日期\n9223372036854775808,甲,1,\n", [("RANGE", 2, "编号")]),
        ("编号,名称,金额,日期\n1,甲,1e999,\n", [("RANGE", 2, "金额")]),
        ("编号,名称,金额,日期\n1,甲,nan,\n", [("TYPE", 2, "金额")]),
        ("编号,名称,金额,日期\n1,甲,,2026-02-30\n", [("DATE_NOT_REAL", 2, "日期")]),
        ("编号,名称,金额,日期\n1,甲,,2026/2/29\n", [("DATE_NOT_REAL", 2, "日期")]),
        ("编号,名称,金额,日期\n1,甲,,22.11.2026\n", [("DATE", 2, "日期")]),
        ("编号,名称,金额,日期\n1,甲,,2026-11-22 08:00\n", [("DATE", 2, "日期")]),
        ("编号,名称,金额,日期\n1,甲,1\n2,乙,1,,\n3,丙,,\n", [("RAGGED", 2, None), ("RAGGED", 3, None)]),
        ('编号,名称,金额,日期\n1,"甲,1,\n2,乙,,\n', [("QUOTE", 2, None)]),
        ('编号,名称,金额,日期\n1,"甲\n乙",1,\n2,"丙"x,,\n', [("QUOTE", 4, None)]),
        ("编号,名称,金额,日期\n1,甲,,\n2,乙,,\n1,丙,,\n1,丁,,\n", [("DUPLICATE", 4, "编号"), ("DUPLICATE", 5, "编号")]),
    ],
)
def test_csv(tmp_path: Path, content: str, expected: list[Place]) -> None:
    path = tmp_path / "list.csv"
    path.write_text(content, encoding="utf-8")
    assert places(read(path)) == expected
    assert not (tmp_path / "snapshot.duckdb").exists()


def test_a_header_of_many_columns(tmp_path: Path) -> None:
    """Looked through once, not once for every column."""
    path = tmp_path / "list.csv"
    path.write_text("编号,名称,金额,日期" + ",余" * 200_000 + "\n", encoding="utf-8")
    assert places(read(path)) == [("COLUMN_TWICE", 1, "余"), ("COLUMN_EXTRA", 1, "余")]


def test_utf_16_has_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("编号,名称,金额,日期\n".encode("utf-16-le"))
    found = read(path, encoding="utf-16")
    assert [(each.code, each.byte) for each in found.findings.kept] == [("ENCODING", 0)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"编号": 1, "名称": "甲", "编号": 2, "金额": 1, "日期": null}', [("COLUMN_TWICE", 2, "编号")]),
        ('{"编号":1,"名称":"甲","\\u7f16号" : 1}', [("COLUMN_TWICE", 2, "编号")]),
        ('{"编号": 2, "名称": "\\"名称\\": 08:00", "金额": 1, "日期": null}', []),
    ],
)
def test_a_name_that_stands_twice_in_an_object(tmp_path: Path, line: str, expected: list[Place]) -> None:
    """As in a header, also where the values are the same; what only looks like a name within a value is none."""
    path = tmp_path / "list.jsonl"
    path.write_text('{"编号": 1, "名称": "甲", "金额": 1, "日期": null}\n'.replace("1", "9", 1) + line + "\n", encoding="utf-8")
    assert places(read(path)) == expected


@pytest.mark.parametrize("depth", [1010, 100_000])
def test_json_that_is_nested_deeply(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text('{"编号": ' + "[" * depth + "]" * depth + "}\n", encoding="utf-8")
    assert places(read(path)) == [("NOT_JSON", 1, None)]


def test_every_row_is_looked_at_and_a_good_file_has_no_findings(tmp_path: Path) -> None:
    bad = read(write_text(tmp_path / "list.csv", ("x", "甲", "1", ""), GOOD, ("1", "", "y", "2026-13-01")))
    assert places(bad) == [("TYPE", 2, "编号"), ("NULL", 4, "名称"), ("TYPE", 4, "金额"), ("DATE_NOT_REAL", 4, "日期")]
    good = read(write_text(tmp_path / "list.csv", GOOD))
    assert not good.findings
    assert good.rows == 1
    assert len(stored(tmp_path / "list.csv")) == 1


def test_only_the_first_thousand_findings_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    outcome = read(write_text(tmp_path / "list.csv", *[("x", "甲", "1", "")] * 1200), limits={"max_rows": 5000})
    assert len(outcome.findings.kept) == MOST_FINDINGS
    assert outcome.findings.counts == {"TYPE": 1200}


def test_a_report_holds_no_value(tmp_path: Path) -> None:
    outcome = read(write_text(tmp_path / "list.csv", ("SECRET1", "甲", "SECRET2", "SECRET3"), ("2", "", "1", "1999-02-29")))
    told = json.dumps(outcome.findings.as_json(), ensure_ascii=False)
    assert "SECRET" not in told
    assert "1999" not in told
    assert outcome.findings.as_json()["counts"] == {"TYPE": 2, "DATE": 1, "NULL": 1, "DATE_NOT_REAL": 1}


@pytest.mark.parametrize(
    ("content", "declared", "code", "line", "byte"),
    [
        ("编号,名称,金额,日期\n1,".encode() + b"\xff\xff,1,\n", "auto", "ENCODING", 2, 30),
        ("编号,名称,金额,日期\n1,甲,1,\n".encode("gb18030"), "utf-8", "ENCODING", 1, 0),
        ("编号,名称,金额,日期\n1,甲\0,1,\n".encode(), "auto", "NUL", 2, 33),
        ("编号,名称,金额,日期\n1,甲,1,\n".encode() + "名".encode()[:2], "utf-8", "ENCODING", 3, 37),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, content: bytes, declared: str, code: str, line: int, byte: int) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    (finding,) = read(path, encoding=declared).findings.kept
    assert (finding.code, finding.line, finding.byte) == (code, line, byte)


@pytest.mark.parametrize(
    ("mark", "declared", "expected"),
    [
        (codecs.BOM_UTF8, "gb18030", [("MARK", 1, None)]),
        (codecs.BOM_UTF8, "auto", [("MARK", 1, None)]),
        ("\ufeff".encode("gb18030"), "gb18030", []),
        ("\ufeff".encode("gb18030"), "auto", []),
        (b"", "gb18030", []),
    ],
)
def test_byte_order_marks_of_gb18030(tmp_path: Path, mark: bytes, declared: str, expected: list[Place]) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(mark + "编号,名称,金额,日期\n1,甲,1,2026-11-22\n".encode("gb18030"))
    outcome = read(path, encoding=declared)
    assert (places(outcome), outcome.rows) == (expected, 0 if expected else 1)


@pytest.mark.parametrize(
    ("validator", "good", "bad", "code"),
    [
        ("resident_id", "520102199005171230", "520102199005171231", "RESIDENT_ID"),
        ("resident_id", "110101199003074514", "110101199013074514", "RESIDENT_ID"),
        ("uscc", "115201000093900013", "115201000093900014", "USCC"),
        ("mobile", "13812345678", "12812345678", "MOBILE"),
        ("division", "520102", "52010", "DIVISION"),
    ],
)
def test_validators(tmp_path: Path, validator: str, good: str, bad: str, code: str) -> None:
    columns = (*COLUMNS[:1], ColumnSpec(name="名称", kind=Kind.STRING, validator=validator), *COLUMNS[2:])
    outcome = read(write_text(tmp_path / "list.csv", ("1", good, "", ""), ("2", bad, "", ""), ("3", "", "", "")), columns)
    assert places(outcome) == [(code, 3, "名称")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"编号": 1, "名称": "\\ud800"}', [("SURROGATE", 2, None)]),
        ('{"编号": 1, "名称": "甲"', [("NOT_JSON", 2, None)]),
        ("[1]", [("NOT_JSON", 2, None)]),
        ('{"编号": 2, "名称": "乙", "金额": 1e-99999999999999999999}', [("NOT_JSON", 2, None)]),
        ('{"编号": 2, "名称": "甲", "外": 1}', [("COLUMN_EXTRA", 2, "外")]),
        ('{"编号": 2}', [("NULL", 2, "名称")]),
        ('{"编号": 2, "名称": ["甲"]}', [("TYPE", 2, "名称")]),
        ('{"编号": 2, "名称": "a\\u0000b"}', [("NUL", 2, "名称")]),
        ('{"编号": 18446744073709551616, "名称": "甲"}', [("RANGE", 2, "编号")]),
        ('{"编号": 2.5, "名称": "甲"}', [("TYPE", 2, "编号")]),
        ('{"编号": true, "名称": "甲"}', [("TYPE", 2, "编号")]),
    ],
)
def test_json_lines(tmp_path: Path, line: str, expected: list[Place]) -> None:
    path = write_jsonl(tmp_path / "list.jsonl", [{"编号": 1, "名称": "甲"}])
    path.write_text(path.read_text("utf-8") + line + "\n", encoding="utf-8")
    assert places(read(path)) == expected


def test_a_workbook_s_formulas_errors_and_long_numbers(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "list.xlsx", [HEADER, [1, "甲", "=1+1", None], [123456789012345678, "乙", None, 45000.5]])
    book = openpyxl.load_workbook(path)
    book.active["B3"] = "#N/A"
    book.active["B3"].data_type = "e"
    book.save(path)
    found = places(read(path))
    assert ("FORMULA", 2, "金额") in found
    assert ("ERROR_CELL", 3, "名称") in found
    assert ("DIGITS", 3, "编号") in found
    assert ("DATE", 3, "日期") in found


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "list.xlsx", [HEADER, [1, "甲", None, None]])
    assert places(read(path, sheet="清单")) == []
    assert places(read(path, sheet="别的")) == [("SHEET_MISSING", None, None)]


def test_a_workbook_that_unpacks_beyond_the_bound(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "list.xlsx", [HEADER, [1, "甲", None, None]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/media/bomb", b"\0" * (1 << 22))
    assert path.stat().st_size < 1 << 16
    assert places(read(path, limits={"max_unpacked_bytes": 1 << 20})) == [("TOO_LARGE", None, None)]


def test_a_workbook_with_entities_is_not_expanded(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "list.xlsx", [HEADER, [1, "甲", None, None]])
    hostile = tmp_path / "hostile.xlsx"
    with zipfile.ZipFile(path) as package, zipfile.ZipFile(hostile, "w") as other:
        for part in package.namelist():
            content = package.read(part)
            if part == "xl/workbook.xml":
                content = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + content.partition(b"?>")[2]
            other.writestr(part, content)
    assert places(read(hostile)) == [("BROKEN", None, None)]


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", ["list.xlsx", "list.parquet"])
def test_a_file_that_is_cut_off(tmp_path: Path, name: str, keep: float) -> None:
    path = tmp_path / name
    if name.endswith("xlsx"):
        write_xlsx(path, [HEADER, *([n, "甲", None, None] for n in range(200))])
    else:
        write_parquet(path, 'SELECT range AS "编号", \'甲\' AS "名称", 1.5 AS "金额", DATE \'2026-11-22\' AS "日期" FROM range(200)')
    assert not read(path).findings
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    assert [code for code, _, _ in places(read(path))] == ["BROKEN"]


def test_parquet_types_without_a_kind(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "list.parquet", 'SELECT [1] AS "编号", \'甲\' AS "名称", TIME \'08:00\' AS "金额", NULL::INTEGER[] AS "日期"')
    assert places(read(path)) == [("TYPE", 1, "编号"), ("TYPE", 1, "金额")]


def test_more_rows_than_allowed(tmp_path: Path) -> None:
    outcome = read(write_text(tmp_path / "list.csv", *[(str(n), "甲", "", "") for n in range(20)]), limits={"max_rows": 10})
    assert places(outcome) == [("TOO_MANY_ROWS", 12, None)]


def test_every_code_has_words() -> None:
    assert all(message and hint for message, hint in TEXTS.values())
