"""What may be asked of a source: a :class:`Selection`, which holds names and shapes but never a caller's value.

Because no value is inside, a selection is hashable and is the key of every compiled statement; values travel beside it as parameters.
Values, both ways, are *wire values*: ``str``, ``int``, ``float``, ``bool`` or ``None``. A date is ISO 8601 text (``2026-11-22``), a
datetime is ISO 8601 text with offset in UTC (``2026-11-22T08:00:00+00:00``), a decimal is its exact text, a bigint is an ``int``.

Comparisons follow SQL's three-valued logic: a comparison with a null is unknown, and only rows for which the predicate is true are selected.
Order puts nulls last in both directions and compares text by code point, whatever the source's own collation is.
Its scrambled form compares hashes: :func:`connectors.wire.scrambled`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from masking.rules import Mask

Value = str | int | float | bool | None


class Undeliverable(str):
    """Stands in a row for a value that the source holds and cannot deliver: a lone surrogate, a date beyond the calendar.

    It is empty, so that nothing of the value leaves; the answer has null and an error in its place. Comparisons treat it as null.
    """

    __slots__ = ()


UNDELIVERABLE = Undeliverable()
Row = tuple[Value, ...]
SALT = "#salt"
"""The parameter that binds the secret of scrambled orders, a text."""


class Kind(Enum):
    """The type of an item's values, as the catalog writes it."""

    __hash__ = object.__hash__
    """Each member is there once; Enum's own is written in Python, and selections are hashed for every call."""

    STRING = "string"
    INTEGER = "integer"
    BIGINT = "bigint"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a resource lies in its source: a table or view, or a REST endpoint whose description is canonical JSON text in ``options``."""

    object: str
    options: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A source column to fetch, masked when ``mask`` is set: the raw value must not leave the source if the source can mask."""

    name: str
    kind: Kind
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Is the column one of the spellings that the parameter binds, a list without nulls that is never empty?

    Yields ``True``, ``False``, ``None`` (the stored value is null) or ``UNDELIVERABLE`` (it is); the value itself is never selected.
    """

    column: str
    kind: Kind
    parameter: str


Output = Column | Match


@dataclass(frozen=True, slots=True)
class Rendered:
    """Rows as the text of JSON objects: response key → column with its mask, or a constant name such as that of the type."""

    fields: tuple[tuple[str, Column | str], ...]


class PageText(Protocol):
    """The objects of a page."""

    def without_last(self, count: int) -> PageText:
        """The same without the last objects."""
        ...

    def written(self) -> bytes:
        """JSON objects, joined by commas."""
        ...


class TextRows(list[Row]):
    """Rows of the outputs, and beside them the page's text; ``None``, with no row at all, where the source does not vouch for it.

    Then the caller asks again, for the columns themselves.
    """

    __slots__ = ("text",)

    def __init__(self, rows: Iterable[Row], text: PageText | None) -> None:
        super().__init__(rows)
        self.text = text


class Comparison(Enum):
    __hash__ = object.__hash__

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "notIn"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    STARTS_WITH = "startsWith"
    IS_NULL = "isNull"


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison of a column with a bound parameter.

    ``IN`` and ``NOT_IN`` bind a list of values without nulls, ``IS_NULL`` a bool (true: is null, false: is not null).
    """

    column: str
    kind: Kind
    comparison: Comparison
    parameter: str


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold; with no parts, true."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds; with no parts, false."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Predicate


@dataclass(frozen=True, slots=True)
class Linked:
    """A row of another object of the same source, whose ``key`` equals this row's ``column``, satisfies ``where``."""

    column: str
    kind: Kind
    binding: Binding
    key: str
    where: Predicate


Predicate = Compare | Every | Some | Not | Linked


@dataclass(frozen=True, slots=True)
class Order:
    column: str
    kind: Kind
    descending: bool = False
    nullable: bool = True
    scrambled: bool = False
    """By the hash of :data:`SALT` and the value, so that the order tells nothing of the values. A position still binds the value itself."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read from one object of one source.

    ``where`` is the caller's filter AND the grant's row condition: the policy is inside, nothing is filtered afterwards.
    ``order`` ends in the resource's stable key. ``after`` names one parameter per order key: only rows behind that position are selected.
    ``limit`` names the parameter that binds the most rows to return. Its hash is computed once.
    """

    binding: Binding
    outputs: tuple[Output, ...]
    where: Predicate | None = None
    order: tuple[Order, ...] = ()
    after: tuple[str, ...] = ()
    limit: str | None = None
    text: Rendered | None = None
    """Asked only of a source that declares ``renders``, whose rows are then :class:`TextRows`."""
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        if not self._hash:
            object.__setattr__(self, "_hash", hash((self.binding, self.outputs, self.where, self.order, self.after, self.limit, self.text)) or 1)
        return self._hash
