"""What running a document yields: data, errors with their paths, and the accesses it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auth.rights import Operation
from schema.faces import Face
from schema.faults import Fault
from schema.packed import Packed
from schema.shapes import ItemUse
from schema.subjects import Named

Path = tuple[str | int, ...]
MOST_BY_PATH = 20
"""The most errors that one cause has for one field of a list."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that could not be answered; the rest of the answer stands.

    Where one cause made more than :data:`MOST_BY_PATH` fields of a list null, one error stands for all of them: ``path`` is the list's,
    ``field`` the response keys below a row, joined by dots, and ``rows`` the number of rows in which it is null. Else ``rows`` is 0.
    """

    path: Path
    fault: Fault
    field: str = ""
    rows: int = 0


def errors_at(paths: Sequence[Path], fault: Fault, count: int | None = None) -> list[FieldError]:
    """The errors for one field that one cause made null at ``paths``, or at ``count`` places of which ``paths`` are the first."""
    count = len(paths) if count is None else count
    if count <= MOST_BY_PATH:
        return [FieldError(path, fault) for path in paths]
    place = next(i for i, part in enumerate(paths[0]) if isinstance(part, int))
    return [FieldError(paths[0][:place], fault, ".".join(str(part) for part in paths[0][place + 1 :]), count)]


@dataclass(slots=True)
class SourceState:
    """How a source fared during the call: ``OK``, ``STALE`` (it serves what is older than its cycle), ``TIMEOUT``, ``OPEN_CIRCUIT`` or ``FAILED``."""

    source: str
    state: str
    milliseconds: int
    reason: str = ""
    """For the hub's own log: why it did not answer, without values, addresses or the source's own texts."""
    as_of: datetime | None = None
    """The oldest state of data that was read of it: a delivery's moment, else the moment of reading; ``None`` where it did not answer."""


@dataclass(slots=True)
class Access:
    """What a call took from one resource: the ledger's raw material. Subjects are raw here and leave this process only as keyed hashes."""

    face: Face
    operation: Operation
    uses: tuple[ItemUse, ...] = ()
    """Each once."""
    rows: int = 0
    subjects: Named = field(default_factory=Named)
    """(item code, or ``#`` for the stable key; value)."""


@dataclass(slots=True)
class Answer:
    """The outcome of one document."""

    data: Any = None
    errors: list[FieldError] = field(default_factory=list)
    accesses: dict[tuple[str, Operation], Access] = field(default_factory=dict)
    sources: dict[str, SourceState] = field(default_factory=dict)
    masking: Mapping[str, str] = field(default_factory=dict)
    long: dict[str, Sequence[bytes | Packed]] = field(default_factory=dict)
    """Texts too long to be copied, or to be held plainly; ``data`` has the name of each where it belongs."""
    parted: bool = False
    """Whether a list was read in parts: then the answer's length is that of a source's data."""
    cleared: set[tuple[str, str, str]] = field(default_factory=set)
    """(resource, identifier, subject) whose verification found a match, or nothing that can be told."""
    compared: set[tuple[str, str, str]] = field(default_factory=set)
    """The same of those that a source with data of the time has compared."""
    uncompared: set[tuple[str, str, str]] = field(default_factory=set)
    """The same of those that no source compared: it did not answer, or is stale."""
    misses: dict[str, int] = field(default_factory=dict)
    """Look-ups by key that found nothing, by resource."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """(resource, identifier) of each look-up and verification, whatever came of it."""
    slack: int = 0
    """Bytes by which the outcomes of verifications are shorter in ``data`` than the longest that could stand there."""

    def access(self, face: Face, operation: Operation) -> Access:
        """The record for a resource, made when first touched."""
        key = (face.resource.code, operation)
        if key not in self.accesses:
            self.accesses[key] = Access(face, operation)
        return self.accesses[key]

    @property
    def rows(self) -> int:
        """Rows taken, over all resources."""
        return sum(access.rows for access in self.accesses.values())


def take(access: Access, uses: Sequence[ItemUse], rows: int) -> None:
    """Notes that ``rows`` rows were taken with these items, each named once where ``uses`` is a tuple."""
    access.rows += rows
    if not access.uses and isinstance(uses, tuple):
        access.uses = uses
    elif access.uses is not uses:
        access.uses = tuple(dict.fromkeys((*access.uses, *uses)))
