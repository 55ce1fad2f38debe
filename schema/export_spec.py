"""What an export reads and how its rows look, as plain data: picklable, without schema and rights, so that a lean process can run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from connectors.selection import Column, Kind, Selection, Value
from masking.rules import Mask

Parameters = Mapping[str, Value | tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class SubjectPlace:
    """Whom each row names: the value in its place, hashed as of ``kind`` (see :class:`hub.ledger.subjects.Subjects`)."""

    place: int
    kind: str
    """An identifying item's code, or the resource's code and ``#`` for its stable key."""
    form: str | None = None
    """The validator whose canonical form the text is brought to, see :func:`schema.subjects.form`; ``""`` for plain text, ``None``: as it is."""


@dataclass(frozen=True, slots=True)
class KeySubject:
    """Whom the key of a link names: as :class:`SubjectPlace`, of the key itself."""

    kind: str
    form: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One resource as it is read. ``selection`` has the policy inside; its outputs are raw where the exporting process masks, else masked."""

    source: str
    resource: str
    selection: Selection
    parameters: Parameters
    subjects: tuple[SubjectPlace, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar: ``place`` among the outputs, ``mask`` where it is still to be masked; a ``constant`` text where it is no column (``__typename``)."""

    key: str
    kind: Kind
    place: int | None
    mask: Mask | None = None
    constant: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """A link: the parent's value in ``place`` finds the row of ``target`` whose ``by`` equals it; at most one, none gives null."""

    key: str
    kind: Kind
    place: int
    target: Reading
    by: Column
    fields: tuple[Leaf | Branch, ...]
    named: tuple[KeySubject, ...] = ()
    """Whom a key that finds a row names besides."""


@dataclass(frozen=True, slots=True)
class ExportSpec:
    """A list run to its end.

    ``key`` is the column by which the list can be cut into slices, whatever its order; ``None`` where the caller asked for an order, or where the
    resource's own must not be used. With it the selection has no order: whoever reads the list from its beginning to its end orders it by ``key``.
    ``places`` tells where a row holds its order keys.
    """

    root: Reading
    fields: tuple[Leaf | Branch, ...]
    key: Column | None
    places: tuple[int, ...]
    masks: Mapping[str, int] = field(default_factory=dict)
    """Labels of masks that the exporting process applies → their versions."""

    @property
    def readings(self) -> Iterator[Reading]:
        """All resources that are read, the list's own first."""
        yield self.root
        pending = list(self.fields)
        while pending:
            each = pending.pop(0)
            if isinstance(each, Branch):
                yield each.target
                pending += each.fields
