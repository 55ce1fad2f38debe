"""XLSX by calamine, after a look at the package itself: its unpacked size is bounded, formulas and error cells are found."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

from connectors.files.findings import MOST_FINDINGS, Broken, Finding
from connectors.files.reading import Asked, Opened, header_of
from connectors.files.text import CHUNK

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_FORMULA_OR_ERROR = re.compile(rb"<(?:\w+:)?f[\s>/]|\st\s*=\s*[\"']e[\"']")
_MOST_PARTS = 10_000


def open_xlsx(asked: Asked) -> Opened:
    """The sheet named in the manifest, else the first. Cells of formulas and errors are faults of the delivery."""
    sheets = _look(asked.path, asked.max_unpacked_bytes)
    name = asked.file.sheet or next(iter(sheets), None)
    if name is None or name not in sheets:
        raise Broken(Finding("SHEET_MISSING"))
    faults = list(_faulty_cells(asked.path, sheets[name]))
    try:
        sheet = CalamineWorkbook.from_path(str(asked.path)).get_sheet_by_name(name)
        first = sheet.start[0] if sheet.start else 0
        rows = ((line, cells) for line, cells in enumerate(sheet.iter_rows(), 1) if line > first or any(cell != "" for cell in cells))
    except (CalamineError, WorksheetNotFound, OSError, ValueError):
        raise Broken(Finding("BROKEN")) from None
    cells = next((cells for line, cells in rows if line >= asked.file.header), None)
    names = header_of(cells)
    return Opened(names, _rows(rows, len(names)), {"sheet": name}, _named(faults, names, asked.file.header))


def _rows(rows: Iterator[tuple[int, Sequence[Any]]], width: int) -> Iterator[tuple[int, Sequence[Any]]]:
    for line, cells in rows:
        if any(cell != "" for cell in cells):
            yield line, cells[:width] if all(cell == "" for cell in cells[width:]) else cells


def _look(path: Path, most: int) -> dict[str, str]:
    """Sheets and their parts of the package, which is unpacked once to see that its sizes are as declared and within the bound."""
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > most:
                raise Broken(Finding("TOO_LARGE"))
            if package.testzip() is not None:
                raise Broken(Finding("BROKEN"))
            return _sheets(package)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, OSError, EOFError, KeyError, ParseError, DefusedXmlException):
        raise Broken(Finding("BROKEN")) from None


def _sheets(package: zipfile.ZipFile) -> dict[str, str]:
    with package.open("xl/_rels/workbook.xml.rels") as part:
        targets = {each.get("Id"): each.get("Target", "") for _, each in iterparse(part) if each.tag == f"{_RELATIONS}Relationship"}
    with package.open("xl/workbook.xml") as part:
        found = [(each.get("name", ""), targets.get(each.get(_ID), "")) for _, each in iterparse(part) if each.tag == f"{_MAIN}sheet"]
    return {name: target.lstrip("/") if target.startswith("/") else f"xl/{target}" for name, target in found}


def _faulty_cells(path: Path, part: str) -> Iterator[tuple[str, str, int]]:
    """(code, letters of the column, line) of formulas and errors."""
    try:
        with zipfile.ZipFile(path) as package:
            with package.open(part) as sheet:
                suspicious = _suspicious(sheet)
            with package.open(part) as sheet:
                yield from islice(_formulas_and_errors(sheet), MOST_FINDINGS) if suspicious else ()
    except (zipfile.BadZipFile, OSError, KeyError, EOFError, ParseError, DefusedXmlException):
        raise Broken(Finding("BROKEN")) from None


def _suspicious(sheet: IO[bytes]) -> bool:
    """A fast look, so that only a sheet that may hold a formula or an error is parsed here."""
    end = b""
    while chunk := sheet.read(CHUNK):
        if _FORMULA_OR_ERROR.search(end + chunk):
            return True
        end = chunk[-64:]
    return False


def _formulas_and_errors(sheet: IO[bytes]) -> Iterator[tuple[str, str, int]]:
    rows = None
    for event, each in iterparse(sheet, events=("start", "end")):
        if event == "start":
            rows = each if each.tag == f"{_MAIN}sheetData" else rows
        elif each.tag == f"{_MAIN}c":
            code = "FORMULA" if each.find(f"{_MAIN}f") is not None else "ERROR_CELL" if each.get("t") == "e" else None
            place = _CELL.fullmatch(each.get("r", ""))
            if code and place:
                yield code, place[1], int(place[2])
        elif each.tag == f"{_MAIN}row" and rows is not None:
            # Rows that were looked at would else be kept until the end.
            rows.clear()


def _named(faults: list[tuple[str, str, int]], names: Sequence[str], header: int) -> list[Finding]:
    found = []
    for code, letters, line in faults:
        place = 0
        for letter in letters:
            place = place * 26 + ord(letter) - 64
        found.append(Finding(code, line, names[place - 1] if line > header and place <= len(names) else letters))
    return found
