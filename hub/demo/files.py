"""The departments that deliver files: each delivery as its department would write it, complete or not there at all."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import orjson
from sqlalchemy import Table

from hub.demo.city import City
from hub.demo.clock import AS_OF
from hub.demo.progress import Progress
from hub.demo.tables import FILES

_Row = Sequence[object]
Write = Callable[[Path, Table, Sequence[_Row]], None]
AIR_HEADINGS = {
    "record_no": "记录号", "station_no": "站点编码", "station": "站点名称", "district": "区县代码", "day": "监测日期",
    "aqi": "空气质量指数", "pm25": "细颗粒物浓度", "pollutant": "首要污染物", "grade": "空气质量等级", "updated_at": "更新时间", "internal_note": "内部备注",
}  # fmt: skip
"""What the ecology bureau's spreadsheet program writes for the columns."""


def write_files(directory: Path, city: City, progress: Progress) -> None:
    """Writes every delivery under ``directory``, in the folder of its department."""
    for code, table in FILES.items():
        department, name = code.split(".")
        folder = directory / department
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, rows, write in _deliveries(name, city[code]):
            draft = folder / f".{file}.{os.getpid()}.part"
            write(draft, table, rows)
            draft.replace(folder / file)
        progress(code, len(city[code]), len(city[code]))


def _deliveries(name: str, rows: Sequence[_Row]) -> Iterable[tuple[str, Sequence[_Row], Write]]:
    if name == "air_quality":
        # Two days' deliveries, each with all that was known by then; the newer one is in service.
        before = [row for row in rows if row[4] != AS_OF]
        return [(f"air_quality_{AS_OF - timedelta(days=1):%Y%m%d}.csv", before, _csv), (f"air_quality_{AS_OF:%Y%m%d}.csv", rows, _csv)]
    if name == "account":
        return [("accounts.jsonl", rows, _json_lines)]
    return [("readings.parquet", rows, _parquet)]


def _csv(path: Path, table: Table, rows: Sequence[_Row]) -> None:
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(AIR_HEADINGS[column.name] for column in table.columns)
        writer.writerows([_text(value) for value in row] for row in rows)


def _json_lines(path: Path, table: Table, rows: Sequence[_Row]) -> None:
    names = [str(column.name) for column in table.columns]
    with path.open("wb") as file:
        file.writelines(orjson.dumps({name: _text(value) for name, value in zip(names, row, strict=True)}) + b"\n" for row in rows)


def _parquet(path: Path, table: Table, rows: Sequence[_Row]) -> None:
    import duckdb

    lines = path.with_suffix(".jsonl")
    _json_lines(lines, table, rows)
    kinds = {
        "reading_no": "BIGINT",
        "account_no": "VARCHAR",
        "read_on": "DATE",
        "cubic_metres": "DECIMAL(14, 2)",
        "updated_at": "TIMESTAMPTZ",
        "internal_note": "VARCHAR",
    }
    columns = ", ".join(f"{name}: '{kinds[name]}'" for name in (column.name for column in table.columns))
    with closing(duckdb.connect()) as connection:
        read = f"read_json($lines, format = 'newline_delimited', columns = {{{columns}}})"
        connection.execute(f"COPY (SELECT * FROM {read} ORDER BY reading_no) TO '{path}' (FORMAT parquet)", {"lines": str(lines)})  # noqa: S608
    lines.unlink()


def _text(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
