"""What a chunk's work is given, and what comes of it. Small and picklable; holds no password, only the places where passwords lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from connectors.calling import RemoteReceipt
from connectors.selection import Value
from connectors.spi import SourceConfig
from connectors.streaming import Slice
from schema.export_spec import ExportSpec

Format = Literal["CSV", "JSONL", "PARQUET", "ARROW"]
EXTENSIONS: Mapping[str, str] = {"CSV": "csv", "JSONL": "jsonl", "PARQUET": "parquet", "ARROW": "arrow"}
"""Of the files, by format."""
Encoding = Literal["UTF-8", "GB18030"]


@dataclass(frozen=True, slots=True)
class Calling:
    """On whose behalf sources are read: what :class:`connectors.calling.Calling` passes on."""

    purpose: str | None
    operator: str | None
    case: str | None
    trace: str
    via: tuple[str, ...]
    caller: str


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """One chunk of one exchange, at one attempt.

    Either ``part`` says which slice it is, or it begins behind ``after`` (order keys of the row before; ``None``: at the beginning) and ends
    after ``most`` rows. The file is written under ``folder``/``name`` with the attempt behind it: only the hub puts it in its place.
    """

    job: str
    number: int
    attempt: int
    spec: ExportSpec
    calling: Calling
    sources: Mapping[str, SourceConfig]
    """Of all readings, by code."""
    folder: Path
    name: str
    format: Format
    encoding: Encoding = "UTF-8"
    part: Slice | None = None
    after: tuple[Value, ...] | None = None
    most: int | None = None
    sm3: bool = False
    """Whether an SM3 digest (GB/T 32905-2016) is wanted besides SHA-256."""

    @property
    def path(self) -> Path:
        """Where this attempt writes."""
        return self.folder / f".{self.name}.{self.attempt}"

    @property
    def subjects(self) -> Path:
        """Where this attempt leaves whom its rows concern, see :mod:`hub.exchange.work.subjects`."""
        return self.folder / f".{self.name}.{self.attempt}.subjects"


@dataclass(frozen=True, slots=True)
class ChunkReceipt:
    """A chunk that is written and on the disk."""

    rows: int
    bytes: int
    sha256: str
    sm3: str | None = None
    undelivered: int = 0
    """Values that could not be delivered: null in the file."""
    accessed: Mapping[str, int] = field(default_factory=dict)
    """Rows read of each resource, by code."""
    last: tuple[Value, ...] | None = None
    """Order keys of the last row, where more follow behind it; ``None`` at the list's end and for slices."""
    remote: tuple[RemoteReceipt, ...] = ()
    """What other hubs that were read entered into their ledgers for it."""


class ChunkFault(Exception):
    """A chunk that came to nothing. ``code`` is one of docs/errors.md; ``retryable``: the same may succeed later; ``why`` is for the hub's log alone."""

    def __init__(self, code: str, zh: str, en: str, *, retryable: bool, why: str = "") -> None:
        super().__init__(code, zh, en, retryable)
        self.code, self.zh, self.en, self.retryable, self.why = code, zh, en, retryable, why

    def __reduce__(self) -> tuple[object, ...]:
        return _fault, (self.code, self.zh, self.en, self.retryable, self.why)


def _fault(code: str, zh: str, en: str, retryable: bool, why: str) -> ChunkFault:
    return ChunkFault(code, zh, en, retryable=retryable, why=why)
