"""Writes deliveries in every format, and reads one without a process of its own."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import orjson

from connectors.files.ingest import Job, Outcome, ingest
from connectors.files.keeper import format_of
from connectors.files.options import ColumnSpec, FilePart, ObjectSpec
from connectors.selection import Kind

COLUMNS = (
    ColumnSpec(name="编号", kind=Kind.BIGINT, nullable=False, unique=True),
    ColumnSpec(name="名称", kind=Kind.STRING, nullable=False),
    ColumnSpec(name="金额", kind=Kind.DECIMAL),
    ColumnSpec(name="日期", kind=Kind.DATE),
)
HEADER = ("编号", "名称", "金额", "日期")
GOOD = ("1", "甲", "1.50", "2026-11-22")


def read(path: Path, columns: Sequence[ColumnSpec] = COLUMNS, limits: Mapping[str, int] | None = None, **file: Any) -> Outcome:
    """What becomes of a delivery."""
    spec = ObjectSpec(file=FilePart.model_validate(file), columns=tuple(columns))
    target = path.with_name("snapshot.duckdb")
    target.unlink(missing_ok=True)
    path.with_name("snapshot.gathered").unlink(missing_ok=True)
    most = {"max_rows": 1000, "max_unpacked_bytes": 1 << 24, **(limits or {})}
    return ingest(Job(path, target, format_of(path.name) or "csv", spec, **most))


def stored(path: Path) -> list[tuple[Any, ...]]:
    """The rows of the snapshot that :func:`read` made."""
    with duckdb.connect(str(path.with_name("snapshot.duckdb")), read_only=True) as connection:
        return connection.execute("SELECT * FROM d").fetchall()


def write_text(path: Path, *rows: Sequence[str], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """A CSV file of the header and these rows."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([HEADER, *rows])
    return path


def write_xlsx(path: Path, rows: Sequence[Sequence[Any]], sheet: str = "清单") -> Path:
    """A workbook with one sheet."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for row in rows:
        page.append(list(row))
    book.save(path)
    return path


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """One object per line."""
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def write_parquet(path: Path, query: str) -> Path:
    """What a query of DuckDB gives."""
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def places(outcome: Outcome) -> list[tuple[str, int | None, str | None]]:
    """(code, line, column) of the findings."""
    return [(each.code, each.line, each.column) for each in outcome.findings.kept]
