"""A folder of deliveries: CSV files, read once and served from their snapshots."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.files.options import ColumnSpec, FilePart, ObjectSpec
from connectors.registry import open_source
from connectors.selection import Binding, Row, Value
from connectors.spi import SourceConfig
from tests.connectors.people import KINDS, NAMES
from tests.connectors.stands.stand import People, Stand

NULL = "\\N"
COLUMNS = tuple(ColumnSpec(name=name, kind=kind, unique=name == "record_no", key=name == "id_number") for name, kind in KINDS.items())


def people_binding(object_: str, **file: object) -> Binding:
    """The people in a file that is written so."""
    described = FilePart.model_validate({"null": NULL, "min_rows": 0, **file})
    return Binding(object_, ObjectSpec(file=described, columns=COLUMNS).model_dump_json(exclude_defaults=True))


def cell(value: Value) -> str:
    """A value as people write it into a text file."""
    return NULL if value is None else str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)


def write_csv(path: Path, rows: Sequence[Row], encoding: str = "utf-8", delimiter: str = ",") -> None:
    """The people as a CSV file."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(NAMES)
        writer.writerows([cell(value) for value in row] for row in rows)


def files_config(folder: Path, snapshots: Path, options: Mapping[str, object] | None = None) -> SourceConfig:
    """A source over a folder; a delivery is taken at once."""
    return SourceConfig("city.register", "files", str(folder), timeout_ms=30_000, options={"settle_seconds": 0, "snapshots": str(snapshots), **(options or {})})


@asynccontextmanager
async def _open(request: pytest.FixtureRequest, _directory: Path, rows: Sequence[Row]) -> AsyncIterator[People]:
    # Nothing changes here, so that the deliveries are written and read once for all tests.
    factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    directory = factory.getbasetemp() / f"people-{hashlib.sha256(repr(rows).encode()).hexdigest()[:16]}"
    folder = directory / "deliveries"
    if not folder.exists():
        folder.mkdir(parents=True)
        write_csv(folder / "people.csv", rows)
        write_csv(folder / "nobody.csv", ())
    config = files_config(folder, directory / "snapshots")
    source = open_source(config)
    try:
        yield People("files", config, source, people_binding("people.csv"), people_binding("nobody.csv"), people_binding("people_missing.csv"))
    finally:
        await source.close()


STAND = Stand("files", _open, place=60)
