"""Days of a calendar notice as people write them: CSV or TOML."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from hub.catalog.problems import Problem, Refused
from hub.sharing.calendar_service import NewDay

_COLUMNS = ("day", "working", "note", "source")
_NEEDED = {"day", "working", "source"}
_WORDS = {"true": True, "working": True, "yes": True, "1": True, "false": False, "holiday": False, "no": False, "0": False}


def read_days(path: Path) -> list[NewDay]:
    """The days in a file, by its ending ``.csv`` or ``.toml``.

    Raises:
        Refused: it is neither, or something in it is wrong; every fault is named with its place.
    """
    readers = {".csv": _csv, ".toml": _toml}
    if path.suffix not in readers:
        raise Refused(Problem("BAD_INPUT", f"{path}: 文件类型不支持 the file is neither CSV nor TOML", ", ".join(readers)))
    try:
        rows = readers[path.suffix](path.read_bytes().decode("utf-8-sig"))
    except (ValueError, csv.Error) as fault:
        raise Refused(Problem("BAD_INPUT", f"{path}: 无法读取 not readable: {fault}", "UTF-8")) from None
    problems: list[Problem] = []
    days = [_day(path, place, row, problems) for place, row in rows]
    if problems:
        raise Refused(*problems)
    return [day for day in days if day is not None]


def _csv(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    return [(f"line {reader.line_num}", row) for row in reader]


def _toml(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    content = tomllib.loads(text)
    days = content.get("days")
    if set(content) != {"days"} or not isinstance(days, list) or not all(isinstance(day, dict) for day in days):
        raise ValueError("[[days]] expected, and nothing else")
    return [(f"days[{i}]", day) for i, day in enumerate(days)]


def _day(path: Path, place: str, row: Mapping[str, Any], problems: list[Problem]) -> NewDay | None:
    keys = {key for key, value in row.items() if value is not None}
    if wrong := [str(key) for key in (*sorted(_NEEDED - keys), *(key for key in row if key not in _COLUMNS))]:
        problems.append(Problem("BAD_INPUT", f"缺少或多余的键 missing or unknown: {', '.join(wrong)}", ", ".join(_COLUMNS), f"{path}: {place}"))
        return None
    day, working = _as_day(row["day"]), _as_flag(row["working"])
    if day is None:
        problems.append(Problem("BAD_INPUT", f"日期格式不正确 not a day: {row['day']}", "2027-02-13", f"{path}: {place}.day"))
    if working is None:
        problems.append(Problem("BAD_INPUT", f"应为真假值 not true or false: {row['working']}", ", ".join(_WORDS), f"{path}: {place}.working"))
    return NewDay(day, working, str(row.get("note") or ""), str(row["source"])) if day is not None and working is not None else None


def _as_day(value: Any) -> date | None:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        return None


def _as_flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else _WORDS.get(str(value).strip().lower())
