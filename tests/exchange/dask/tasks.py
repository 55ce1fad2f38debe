"""Tasks of chunks, made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.selection import Binding, Column, Kind, Selection
from connectors.spi import SourceConfig
from hub.exchange.work.task import Calling, ChunkTask
from schema.export_spec import ExportSpec, Leaf, Reading

PERSONS = Selection(Binding("persons"), (Column("id", Kind.STRING), Column("name", Kind.STRING)))
SPEC = ExportSpec(Reading("city", "city.person", PERSONS, {}, ()), (Leaf("id", Kind.STRING, 0), Leaf("name", Kind.STRING, 1)), None, ())
CALLING = Calling("purpose", "operator", None, "00-" + "1" * 32 + "-" + "2" * 16 + "-01", ("hub",), "caller")
SOURCE = SourceConfig("city", "sql", "postgresql://reader@db.city.example/persons", "env:CITY_PASSWORD")


def task(folder: Path, number: int = 1, attempt: int = 1, **more: Any) -> ChunkTask:
    """A chunk of the job that the folder is named after."""
    given = {"spec": SPEC, "calling": CALLING, "sources": {"city": SOURCE}, "name": f"data-{number:05}.csv", "format": "CSV", **more}
    return ChunkTask(job=folder.name, number=number, attempt=attempt, folder=folder, **given)
