"""What the columns of a file seem to be, from its first rows: for the draft of a catalog, never for reading without one."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

from connectors.files import read_parquet
from connectors.files.findings import Broken, Wrong
from connectors.files.ingest import READERS, Job, asked
from connectors.files.options import ColumnSpec, FilePart
from connectors.files.reading import GUESSED_ROWS, MISSING
from connectors.files.values import converter
from connectors.selection import Kind

_KINDS = (Kind.BOOLEAN, Kind.INTEGER, Kind.BIGINT, Kind.DECIMAL, Kind.FLOAT, Kind.DATE, Kind.DATETIME, Kind.STRING)
_SMALL = 1_000_000
"""Whole numbers below it are guessed to fit 32 bits for good."""
_NUMBER_TEXT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_DECIMAL_TEXT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,10}")
"""Of more digits amounts are none, and could not be added up exactly: binary numbers have them."""
_LEAST_DATE_LENGTH = 8


def guess(job: Job) -> dict[str, object]:
    """Columns with name, kind (none where no kind holds what is there), type, nullable and unique, as JSON; or the finding that kept the file from being read."""
    try:
        opened = READERS[job.format](asked(job))
        rows = [cells for _, cells in islice(opened.rows, GUESSED_ROWS) if len(cells) == len(opened.names)]
    except Broken as broken:
        return {"broken": broken.finding.as_json()}
    columns = [_column(name, [row[place] for row in rows], job.spec.file) for place, name in enumerate(opened.names)]
    return {"columns": columns, "facts": opened.facts}


def _column(name: str, cells: Sequence[Any], file: FilePart) -> dict[str, object]:
    known = [cell for cell in cells if cell is not MISSING and cell is not None and cell != file.null and cell != ""]
    kind = next((kind for kind in _KINDS if _all(kind, known, file)), None) if known else Kind.STRING
    unique = bool(known) and len(known) == len(cells) == len({str(cell) for cell in known})
    return {"name": name, "kind": kind.value if kind else None, "type": _type(kind, known), "nullable": not unique, "unique": unique}


def _type(kind: Kind | None, cells: Sequence[Any]) -> str:
    """How people are told of it; where no kind holds the cells, what they are."""
    return kind.value if kind else "/".join(sorted({_said(cell) for cell in cells}))


def _said(cell: Any) -> str:
    match cell:
        case {read_parquet.TYPE: str(told)}:
            return told
        case bool() | list() | dict():
            return {bool: "boolean", list: "list", dict: "object"}[type(cell)]
        case str():
            return "text with U+0000" if "\0" in cell else "text"
        case float() if not math.isfinite(cell):
            return "NaN"
    return "number"


def _all(kind: Kind, cells: Sequence[Any], file: FilePart) -> bool:
    return all(_shaped(kind, cell) for cell in cells) and _converted(kind, cells, file)


def _shaped(kind: Kind, cell: Any) -> bool:
    """Text that only happens to be convertible, such as a number with leading zeros, stays text."""
    match kind:
        case Kind.BOOLEAN:
            return isinstance(cell, bool) or (isinstance(cell, str) and cell.lower() in ("true", "false"))
        case Kind.INTEGER:
            return _whole(cell) and abs(int(cell)) < _SMALL
        case Kind.BIGINT:
            return _whole(cell)
        case Kind.DECIMAL:
            return _whole(cell) or (isinstance(cell, str | float) and _DECIMAL_TEXT.fullmatch(str(cell)) is not None)
        case Kind.FLOAT:
            return isinstance(cell, int | float) and not isinstance(cell, bool)
        case Kind.STRING:
            return True
    return not isinstance(cell, bool | int | float) and len(str(cell)) >= _LEAST_DATE_LENGTH and not str(cell).isdigit()


def _whole(cell: Any) -> bool:
    if isinstance(cell, str):
        return _NUMBER_TEXT.fullmatch(cell) is not None
    return not isinstance(cell, bool) and (isinstance(cell, int) or (isinstance(cell, float) and cell.is_integer()))


def _converted(kind: Kind, cells: Sequence[Any], file: FilePart) -> bool:
    convert = converter(ColumnSpec(name="", kind=kind), file, file.null)
    try:
        for cell in cells:
            convert(cell)
    except Wrong:
        return False
    return True
