"""Lists asked by a query, and the same lists as chunks write them."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from auth.decide import Rights
from connectors.selection import Kind
from connectors.streaming import Slice
from hub.api.entries import subject_hashes
from hub.api.execute import flags_of, variables_of
from hub.exchange.work.chunk import run_chunk
from hub.exchange.work.kit import Kit
from hub.exchange.work.subjects import runs_of
from hub.exchange.work.task import EXTENSIONS, Calling, ChunkReceipt, ChunkTask, Encoding, Format
from hub.ledger.subjects import WIDTH, Subjects
from schema.answer import Answer
from schema.delivery import delivered
from schema.documents import Documents
from schema.export import Export, export_of
from schema.export_spec import ExportSpec
from schema.exporting import spec_of
from schema.faults import Fault
from schema.run import Run, run_departments
from tests.schema.running import CALLER, WIDE, Hub

SUBJECTS = Subjects(bytes(range(32)))
CALLING = Calling("purpose", "operator", None, "00-" + "1" * 32 + "-" + "2" * 16 + "-01", ("hub",), CALLER)
_NUMBERS = count()


@dataclass
class Asked:
    """A document's list, asked and exported by the same hub."""

    hub: Hub
    export: Export
    spec: ExportSpec
    rows: list[dict[str, Any]]
    answer: Answer
    """Of the query."""
    told: Answer
    """What the spec told of its accesses."""

    @property
    def undelivered(self) -> int:
        """Values that the query told to be null."""
        return sum(error.rows or 1 for error in self.answer.errors)

    @property
    def subjects(self) -> dict[str, set[bytes]]:
        """Whom the query named, by resource; those whom the filter names by itself left out."""
        named: dict[str, set[bytes]] = {}
        for (code, _), access in self.answer.accesses.items():
            named.setdefault(code, set()).update(subject_hashes(SUBJECTS, access))
        for (code, _), access in self.told.accesses.items():
            named.setdefault(code, set()).update(subject_hashes(SUBJECTS, access))
        return {code: hashes for code, hashes in named.items() if hashes}

    @property
    def asked_for(self) -> dict[str, set[bytes]]:
        """Whom the filter names."""
        return {code: set(subject_hashes(SUBJECTS, access)) for (code, _), access in self.told.accesses.items()}


async def asked(hub: Hub, rights: Rights, text: str, given: Mapping[str, Any] | None = None, masks: str = "hub", caller: str = CALLER) -> Asked | None:
    """``masks``: where the sources' batches are masked. ``None`` where the query refuses the list's arguments, and the exchange does as well."""
    view = hub.view(rights)
    document = Documents(WIDE).check(text, view)
    operation = document.operation(None)
    variables = variables_of(document, operation, given or {})
    plan = hub.plans.plan(view, document, operation, flags_of(hub.plans.flags(document, operation), variables))
    answer, told = Answer(), Answer()
    found = await run_departments(plan, Run(hub.source, hub.cursors, caller, variables), answer)
    answer.data = {key: found.get(key, "Query") for key in plan.order}
    data: Any = orjson.loads(delivered(plan, answer))
    export = export_of(plan)
    configs = {code: replace(config, exchange_masks=masks) for code, config in hub.snapshot.sources.items()}
    (found,) = data.values()
    if found is None:
        with pytest.raises(Fault) as refused:
            spec_of(export, variables, hub.cursors, caller, configs, hub.source, told)
        assert refused.value.code is answer.errors[0].fault.code
        return None
    spec = spec_of(export, variables, hub.cursors, caller, configs, hub.source, told)
    (connection,) = found.values()
    (rows,) = connection.values()
    return Asked(hub, export, spec, rows, answer, told)


@dataclass
class Written:
    """A chunk and its files."""

    task: ChunkTask
    receipt: ChunkReceipt

    @property
    def content(self) -> bytes:
        """The file's."""
        return self.task.path.read_bytes()

    @property
    def subjects(self) -> dict[str, set[bytes]]:
        """Whom the file of subjects names; each run is sorted and distinct."""
        found: dict[str, set[bytes]] = {}
        content = self.task.subjects.read_bytes()
        for resource, begins, number in runs_of(self.task.subjects):
            run = [content[begins + i * WIDTH : begins + (i + 1) * WIDTH] for i in range(number)]
            assert run == sorted(set(run))
            found.setdefault(resource, set()).update(run)
        return found


def task_of(made: Asked, folder: Path, format_: Format = "JSONL", encoding: Encoding = "UTF-8", **more: Any) -> ChunkTask:
    """A task of one chunk; of the whole list unless told otherwise."""
    number = next(_NUMBERS)
    sources = dict(made.hub.snapshot.sources)
    return ChunkTask("job", 1, number, made.spec, CALLING, sources, folder, f"data.{EXTENSIONS[format_]}", format_, encoding, **more)


async def written(made: Asked, folder: Path, format_: Format = "JSONL", encoding: Encoding = "UTF-8", **more: Any) -> Written:
    """The chunk, written by the hub's own open sources."""
    task = task_of(made, folder, format_, encoding, **more)
    kit = Kit(SUBJECTS, lambda config: made.hub.source(config.code))
    return Written(task, await run_chunk(task, kit, lambda rows, size: None))


async def chunks(made: Asked, folder: Path, most: int, format_: Format = "JSONL") -> list[Written]:
    """The list cut into chunks, one behind the other."""
    found = [await written(made, folder, format_, most=most)]
    while found[-1].receipt.last is not None:
        found.append(await written(made, folder, format_, most=most, after=found[-1].receipt.last))
    return found


def sliced(made: Asked, ends: Sequence[Any]) -> list[Slice]:
    """Slices with these ends."""
    assert made.spec.key is not None
    return [Slice(made.spec.key, above, upto) for above, upto in zip((None, *ends), (*ends, None), strict=True)]


def lines_of(content: bytes) -> list[dict[str, Any]]:
    """JSON Lines, read."""
    return [orjson.loads(line) for line in content.splitlines()] if content else []


def csv_of(export: Export, rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as Python's own writer makes them CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([".".join(path) for path, _ in export.columns])
    writer.writerows([_cell(row, path, kind) for path, kind in export.columns] for row in rows)
    return text.getvalue()


def _cell(row: Mapping[str, Any], path: Sequence[str], kind: Kind) -> Any:
    value = at(row, path)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and runs(value) and not (kind is not Kind.STRING and re.fullmatch(r"[+-]?\d+(\.\d+)?", value)):
        return f"'{value}"
    return value


def at(row: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value behind response keys; null where a link is."""
    value: Any = row
    for key in path:
        value = None if value is None else value[key]
    return value


def runs(value: str) -> bool:
    """Whether a spreadsheet might run the text."""
    seen = next((each for each in value if not each.isspace() and unicodedata.category(each) not in ("Cc", "Cf")), "")
    return unicodedata.normalize("NFKC", seen) in tuple("=+-@") or value[:1] in tuple("\t\r\n")


def flattened(rows: Sequence[Mapping[str, Any]], export: Export) -> Iterator[tuple[Any, ...]]:
    """The rows' values in the columns' order."""
    for row in rows:
        yield tuple(at(row, path) for path, _ in export.columns)
