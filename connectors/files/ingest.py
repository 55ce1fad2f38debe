"""One delivery: read, validated against the catalog, and where it has no fault written into a snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.files.findings import Broken, Findings, Wrong
from connectors.files.options import ColumnSpec, Format, ObjectSpec
from connectors.files.read_csv import open_csv
from connectors.files.read_jsonl import extra_name, open_jsonl
from connectors.files.read_parquet import open_parquet
from connectors.files.read_xlsx import open_xlsx
from connectors.files.reading import MISSING, Asked, Opened, Reader
from connectors.files.snapshot import BATCH, Writer
from connectors.files.values import converter
from connectors.selection import Kind

READERS: dict[Format, Reader] = {"csv": open_csv, "xlsx": open_xlsx, "jsonl": open_jsonl, "parquet": open_parquet}
Progress = Callable[[int], None]
"""Is told the number of rows read so far, once per batch."""


@dataclass(frozen=True, slots=True)
class Job:
    """``path`` is to become the snapshot ``target``; both lie in a folder of the job's own."""

    path: Path
    target: Path
    format: Format
    spec: ObjectSpec
    max_rows: int
    max_unpacked_bytes: int


@dataclass
class Outcome:
    """``findings`` is empty where the snapshot was written; ``facts`` say how the file was read."""

    rows: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    findings: Findings = field(default_factory=Findings)


def ingest(job: Job, progress: Progress = lambda _rows: None) -> Outcome:
    """Reads the whole file, whatever is wrong with single rows, so that one report tells all."""
    outcome = Outcome()
    try:
        opened = READERS[job.format](asked(job))
        outcome.facts, outcome.columns = opened.facts, opened.names
        for finding in opened.faults:
            outcome.findings.add(finding.code, finding.line, finding.column)
        if not opened.loose:
            _compare(opened.names, job.spec, outcome.findings)
        if not outcome.findings.counts.keys() & {"COLUMN_MISSING", "COLUMN_TWICE"}:
            _Run(job, opened, outcome).all(progress)
    except Broken as broken:
        finding = broken.finding
        outcome.findings.add(finding.code, finding.line, finding.column, finding.byte)
    return outcome


def asked(job: Job) -> Asked:
    """What a reader is asked for."""
    exact = any(column.kind is Kind.DECIMAL for column in job.spec.columns)
    return Asked(job.path, job.spec.file, tuple(column.name for column in job.spec.columns), job.spec.left_out, exact, job.max_unpacked_bytes)


def _compare(names: Sequence[str], spec: ObjectSpec, findings: Findings) -> None:
    """The header with the catalog."""
    known = {column.name for column in spec.columns}
    line = spec.file.header
    for name in sorted(known - set(names)):
        findings.add("COLUMN_MISSING", line, name)
    for name in sorted(name for name, times in Counter(names).items() if times > 1):
        findings.add("COLUMN_TWICE", line, name)
    if spec.file.extra_columns == "refuse":
        for name in sorted(set(names) - known - set(spec.left_out)):
            findings.add("COLUMN_EXTRA", line, name)


class _Run:
    def __init__(self, job: Job, opened: Opened, outcome: Outcome) -> None:
        self._job, self._opened, self._outcome = job, opened, outcome
        columns, file = job.spec.columns, job.spec.file
        null = file.null_in(job.format)
        self._width = len(opened.names)
        self._plan = [(f"c{place}", opened.names.index(each.name), each, converter(each, file, null)) for place, each in enumerate(columns)]

    def all(self, progress: Progress) -> None:
        """All rows, then what only shows over all of them."""
        outcome, findings = self._outcome, self._outcome.findings
        with Writer(self._job.target, self._job.spec.columns) as writer:
            for batch in self._batches():
                writer.add(batch)
                progress(outcome.rows)
            if outcome.rows < self._job.spec.file.min_rows:
                findings.add("TOO_FEW_ROWS")
            for column, line in writer.duplicates():
                findings.add("DUPLICATE", line, column)
            if not findings:
                writer.finish()

    def _batches(self) -> Iterator[list[dict[str, Any]]]:
        batch: list[dict[str, Any]] = []
        for line, cells in self._opened.rows:
            if len(cells) != self._width:
                self._ragged(line, cells)
                continue
            self._outcome.rows += 1
            if self._outcome.rows > self._job.max_rows:
                self._outcome.findings.add("TOO_MANY_ROWS", line)
                break
            if (row := self._row(line, cells)) is not None:
                batch.append(row)
            if len(batch) >= BATCH:
                yield batch
                batch = []
        yield batch

    def _ragged(self, line: int, cells: Sequence[Any]) -> None:
        extra = extra_name(cells)
        self._outcome.findings.add("RAGGED" if extra is None else "COLUMN_EXTRA", line, extra)

    def _row(self, line: int, cells: Sequence[Any]) -> dict[str, Any] | None:
        row: dict[str, Any] = {"l": line}
        sound = True
        for name, place, column, convert in self._plan:
            cell = cells[place]
            try:
                row[name] = convert(None if cell is MISSING else cell)
            except Wrong as wrong:
                self._wrong(str(wrong), line, column)
                sound = False
        return row if sound else None

    def _wrong(self, code: str, line: int, column: ColumnSpec) -> None:
        self._outcome.findings.add(code, line, column.name)
