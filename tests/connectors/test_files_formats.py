"""The same people in every format give the same wire rows; encodings, delimiters and forms of values are found and stated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.dates import dated
from connectors.files.findings import Wrong
from connectors.files.options import ColumnSpec
from connectors.files.values import order_key
from connectors.registry import open_source
from connectors.selection import Column, Kind, Order, Selection
from tests.connectors.files_writing import COLUMNS, places, read, stored, write_jsonl, write_parquet, write_text, write_xlsx
from tests.connectors.people import KINDS, NAMES, PEOPLE
from tests.connectors.stands.files import cell, files_config, people_binding, write_csv
from tests.thorough import examples_of

PARTS = {
    "utf-8": ("people.csv", {}),
    "bom": ("people.csv", {}),
    "utf-16": ("people.csv", {}),
    "gb18030": ("people.csv", {}),
    "tab": ("people.tsv", {}),
    "pipe, headed": ("people.txt", {"header": 3}),
    "xlsx": ("people.xlsx", {"sheet": "清单"}),
    "jsonl": ("people.jsonl", {}),
    "parquet": ("people.parquet", {}),
}


def write(form: str, path: Path) -> None:
    match form:
        case "utf-8":
            write_csv(path, PEOPLE)
        case "bom":
            write_csv(path, PEOPLE, encoding="utf-8-sig")
        case "utf-16":
            write_csv(path, PEOPLE, encoding="utf-16")
        case "gb18030":
            write_csv(path, PEOPLE, encoding="gb18030", delimiter=";")
        case "tab":
            write_csv(path, PEOPLE, delimiter="\t")
        case "pipe, headed":
            write_csv(path, PEOPLE, delimiter="|")
            path.write_text("人口清单\n\n" + path.read_text("utf-8"), encoding="utf-8")
        case "xlsx":
            write_xlsx(path, [NAMES, *([cell(value) if needs_text(value) else value for value in row] for row in PEOPLE)])
        case "jsonl":
            write_jsonl(path, [dict(zip(NAMES, row, strict=True)) for row in PEOPLE])
        case "parquet":
            write_jsonl(path.with_suffix(".lines"), [dict(zip(NAMES, row, strict=True)) for row in PEOPLE])
            types = {Kind.DECIMAL: "DECIMAL(14, 2)", Kind.DATETIME: "TIMESTAMPTZ", Kind.FLOAT: "DOUBLE", Kind.STRING: "VARCHAR"}
            columns = ", ".join(f"{name}: '{types.get(kind, kind.value)}'" for name, kind in KINDS.items())
            query = f"SELECT * FROM read_json('{path.with_suffix('.lines')}', format = 'newline_delimited', columns = {{{columns}}})"
            write_parquet(path, query)


def needs_text(value: object) -> bool:
    """What a cell of a workbook cannot hold as it is: null and empty text alike, long numbers, exact decimals, moments."""
    return value is None or isinstance(value, str) or (isinstance(value, int) and abs(value) >= 10**15)


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("form", PARTS)
async def test_every_format_gives_the_same_wire_rows(tmp_path: Path, form: str) -> None:
    name, file = PARTS[form]
    folder = tmp_path / "deliveries"
    folder.mkdir()
    write(form, folder / name)
    source = open_source(files_config(folder, tmp_path / "snapshots"))
    try:
        columns = tuple(Column(each, kind) for each, kind in KINDS.items())
        rows = await source.fetch(Selection(people_binding(name, **file), columns, None, (Order("record_no", Kind.BIGINT, nullable=False),)), {})
    finally:
        await source.close()
    assert list(rows) == list(PEOPLE)
    assert [[type(value) for value in row] for row in rows if None not in row] == [[type(value) for value in row] for row in PEOPLE if None not in row]


@pytest.mark.slow
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(("encoding", "stated"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("utf-16", "utf-16")])
def test_encoding_and_delimiter_are_found_and_stated(tmp_path: Path, encoding: str, stated: str, delimiter: str) -> None:
    outcome = read(write_text(tmp_path / "list.csv", ("1", "甲,;|\t乙", "1.5", "2026-11-22"), encoding=encoding, delimiter=delimiter))
    assert not outcome.findings
    assert outcome.facts == {"encoding": stated, "delimiter": delimiter}
    assert stored(tmp_path / "list.csv")[0][1] == "甲,;|\t乙"


@pytest.mark.slow
def test_a_file_in_one_column(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("编号\n1\n2\n", encoding="utf-8")
    outcome = read(path, COLUMNS[:1])
    assert (outcome.rows, places(outcome)) == (2, [])


@pytest.mark.slow
def test_a_long_character_across_the_reader_s_chunks(tmp_path: Path) -> None:
    rows = [(str(n), "甲" * 997, "", "") for n in range(800)]
    outcome = read(write_text(tmp_path / "list.csv", *rows))
    assert outcome.facts["encoding"] == "utf-8"
    assert (outcome.rows, places(outcome)) == (800, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "forms", "expected"),
    [
        ("2026-11-22", (), "2026-11-22"),
        (" 2026/1/2 ", (), "2026-01-02"),
        ("20261122", (), "2026-11-22"),
        ("2026年1月2日", (), "2026-01-02"),
        (46348.0, (), "2026-11-22"),
        ("2024-02-29", ("iso",), "2024-02-29"),
        ("2026/01/02", ("iso",), "DATE"),
        (46348.0, ("iso",), "DATE"),
        (46348.5, (), "DATE"),
        (60.0, (), "DATE"),
        ("2023-02-29", (), "DATE_NOT_REAL"),
        ("20261322", (), "DATE_NOT_REAL"),
        ("22/11/2026", (), "DATE"),
        ("２０２６-11-22", (), "DATE"),
    ],
)
def test_forms_of_dates(text: Any, forms: Sequence[str], expected: str) -> None:
    try:
        told = dated(text, forms)[0].isoformat()
    except Wrong as wrong:
        told = str(wrong)
    assert told == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("2026-11-22T08:00:00Z", "+08:00", "2026-11-22 08:00:00"),
        ("2026-11-22 08:00", "+08:00", "2026-11-22 00:00:00"),
        ("2026/11/22 8:05:06.5", "+08:00", "2026-11-22 00:05:06.500000"),
        ("20261122080000", "+00:00", "2026-11-22 08:00:00"),
        ("2026-11-22T08:00:00.123456789-03:30", "+08:00", "2026-11-22 11:30:00.123456"),
        ("2026-11-22", "+08:00", "2026-11-21 16:00:00"),
    ],
)
def test_moments_are_stored_in_utc(tmp_path: Path, text: str, offset: str, expected: str) -> None:
    columns = (COLUMNS[0], ColumnSpec(name="时间", kind=Kind.DATETIME))
    path = tmp_path / "list.csv"
    path.write_text(f"编号,时间\n1,{text}\n", encoding="utf-8")
    assert places(read(path, columns, offset=offset)) == []
    assert str(stored(path)[0][1]) == expected


@pytest.mark.slow
@pytest.mark.parametrize("text", ["2026-11-22 25:00", "2026-11-22 08:60", "2026-11-22 8", "2026-11-22T08:00:00+99:00", "0001-01-01T00:00:00+08:00"])
def test_moments_that_do_not_exist(tmp_path: Path, text: str) -> None:
    columns = (COLUMNS[0], ColumnSpec(name="时间", kind=Kind.DATETIME))
    path = tmp_path / "list.csv"
    path.write_text(f"编号,时间\n1,{text}\n", encoding="utf-8")
    assert next(code for code, _, _ in places(read(path, columns))) in ("DATE", "DATE_NOT_REAL", "RANGE")


@pytest.mark.slow
@pytest.mark.parametrize("word", ["true", "T", "1", "是", "YES"])
def test_words_for_true(tmp_path: Path, word: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"编号,有效\n1,{word}\n2,否\n3,\n", encoding="utf-8")
    assert places(read(path, (COLUMNS[0], ColumnSpec(name="有效", kind=Kind.BOOLEAN)))) == []
    assert [row[1] for row in stored(path)] == [True, False, None]


@pytest.mark.slow
def test_numbers_of_json_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_bytes('{"编号": 1, "名称": "甲", "金额": 1234567890123456789.10}\n'.encode())
    assert places(read(path)) == []
    assert stored(path)[0][2]["t"] == "1234567890123456789.10"


@pytest.mark.slow
def test_numbers_of_single_precision_in_parquet_are_their_shortest_text(tmp_path: Path) -> None:
    columns = (*COLUMNS[:1], ColumnSpec(name="金额", kind=Kind.DECIMAL), ColumnSpec(name="率", kind=Kind.FLOAT))
    rows = "(0, 0.1, 0.1), (1, 1234567.9, 0.0), (2, 1e-45, 3.4028235e38), (3, NULL, NULL)"
    path = write_parquet(tmp_path / "list.parquet", f"""SELECT i AS "编号", a::FLOAT AS "金额", b::FLOAT AS "率" FROM (VALUES {rows}) AS t(i, a, b)""")
    assert places(read(path, columns)) == []
    found = [(row[1] and float(row[1]["t"]), repr(row[2])) for row in stored(path)]
    assert found == [(0.1, "0.1"), (1234567.9, "0.0"), (1e-45, "3.4028235e+38"), (None, "None")]


@pytest.mark.slow
def test_whole_numbers_of_json_are_whole_beside_decimals_too(tmp_path: Path) -> None:
    """As pandas writes a column of integers in which some are missing; where no column is a decimal, they always were."""
    columns = (*COLUMNS[:3], ColumnSpec(name="件数", kind=Kind.INTEGER), ColumnSpec(name="有效", kind=Kind.BOOLEAN))
    lines = (("3.0", "1.0"), ("-4e2", "0.0"), ("1.5", "true"), ("1e99", "true"), ("7", "0.5"))
    path = tmp_path / "list.jsonl"
    write = '{{"编号": {}, "名称": "甲", "金额": 1.50, "件数": {}, "有效": {}}}\n'
    path.write_text("".join(write.format(number, *line) for number, line in enumerate(lines[:2])), encoding="utf-8")
    assert places(read(path, columns)) == []
    assert [row[3:] for row in stored(path)] == [(3, True), (-400, False)]
    path.write_text("".join(write.format(number, *line) for number, line in enumerate(lines)), encoding="utf-8")
    assert places(read(path, columns)) == [("TYPE", 3, "件数"), ("RANGE", 4, "件数"), ("TYPE", 5, "有效")]


@pytest.mark.slow
@pytest.mark.parametrize(("file", "expected"), [({}, ["", None, "-"]), ({"null": ""}, [None, None, "-"]), ({"null": "-"}, ["", None, None])])
def test_an_empty_text_is_a_text_where_the_format_has_nulls(tmp_path: Path, file: dict[str, str], expected: list[str | None]) -> None:
    """JSON Lines and Parquet; what the manifest says holds there too. A cell of CSV has no other way to say that there is nothing."""
    columns = (COLUMNS[0], ColumnSpec(name="名称", kind=Kind.STRING))
    lines = write_jsonl(tmp_path / "list.jsonl", [{"编号": n, "名称": name} for n, name in enumerate(("", None, "-"))])
    parquet = write_parquet(tmp_path / "list.parquet", """SELECT * FROM (VALUES (0, ''), (1, NULL), (2, '-')) AS t("编号", "名称")""")
    for path in (lines, parquet):
        assert places(read(path, columns, **file)) == []
        assert [row[1] for row in stored(path)] == expected
    cells = tmp_path / "list.csv"
    cells.write_text('编号,名称\n0,""\n1,\n2,-\n', encoding="utf-8")
    assert places(read(cells, columns, **file)) == []
    assert [row[1] for row in stored(cells)] == (["", "", None] if file.get("null") else [None, None, "-"])


@pytest.mark.slow
def test_dates_of_a_workbook(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "list.xlsx", [[each.name for each in COLUMNS], [1, "甲", 1.5, 46348], [2, "乙", 2, "2026-11-22"]])
    assert places(read(path)) == []
    assert [str(row[3]) for row in stored(path)] == ["2026-11-22", "2026-11-22"]


@pytest.mark.slow
def test_columns_that_are_left_out_or_ignored(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("备注,编号\n甲,1\n", encoding="utf-8")
    assert places(read(path, COLUMNS[:1])) == [("COLUMN_EXTRA", 1, "备注")]
    assert places(read(path, COLUMNS[:1], extra_columns="ignore")) == []
    assert stored(path) == [(1,)]


@pytest.mark.slow
def test_rows_lie_in_order_of_the_stable_key(tmp_path: Path) -> None:
    read(write_text(tmp_path / "list.csv", *[(str(n), "甲", "", "") for n in (3, 10, 1, 2)]))
    assert [row[0] for row in stored(tmp_path / "list.csv")] == [1, 2, 3, 10]


@pytest.mark.slow
def test_a_decimal_s_text_is_kept(tmp_path: Path) -> None:
    texts = ["0.10", "-12.340", "1e3", "+7", "-0.00", ".5"]
    read(write_text(tmp_path / "list.csv", *[(str(n), "甲", text, "") for n, text in enumerate(texts)]))
    assert [row[2]["t"] for row in stored(tmp_path / "list.csv")] == ["0.10", "-12.340", "1000", "7", "0.00", "0.5"]


numbers = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20)


@pytest.mark.slow
@given(left=numbers, right=numbers)
def test_keys_of_decimals_order_as_the_numbers(left: Decimal, right: Decimal) -> None:
    assert (order_key(left) < order_key(right)) == (left < right)
    assert (order_key(left) == order_key(right)) == (left == right)


@pytest.mark.slow
@settings(max_examples=examples_of(30), deadline=None)
@given(floats=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_floats_reach_the_snapshot_exactly(tmp_path_factory: pytest.TempPathFactory, floats: list[float]) -> None:
    path = tmp_path_factory.mktemp("floats") / "list.csv"
    path.write_text("编号,数\n" + "".join(f"{n},{value!r}\n" for n, value in enumerate(floats)), encoding="utf-8")
    assert not read(path, (COLUMNS[0], ColumnSpec(name="数", kind=Kind.FLOAT))).findings
    assert [math.copysign(1, row[1]) * abs(row[1]) for row in stored(path)] == floats


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=40)


@pytest.mark.slow
@settings(max_examples=examples_of(30), deadline=None)
@given(names=st.lists(texts, min_size=1, max_size=10))
def test_texts_reach_the_snapshot_exactly(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = write_text(tmp_path_factory.mktemp("texts") / "list.csv", *[(str(n), name, "", "") for n, name in enumerate(names)])
    outcome = read(path)
    assert not outcome.findings
    assert [row[1] for row in stored(path)] == names


@pytest.mark.slow
def test_duckdb_compares_text_by_code_point() -> None:
    words = ["a", "Z", "z", "é", "￥", "𠮷", "中", "", "Ab", "a\u0301"]
    with duckdb.connect() as connection:
        found = connection.execute("SELECT unnest($1) AS word ORDER BY word", [words]).fetchall()
    assert [row[0] for row in found] == sorted(words)
