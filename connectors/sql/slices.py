"""Statements of streams: a selection whole or slice by slice, and the hops over a key by which slices are found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import and_, or_, select

from connectors.kept import Kept
from connectors.selection import Column, Kind, Selection, Value
from connectors.spi import ColumnDescription
from connectors.sql.columns import Columns
from connectors.sql.dialect import Expression, SqlDialect
from connectors.sql.statement import Statement, placed
from connectors.sql.statements import Writer
from connectors.streaming import Slice

ABOVE, UPTO, SKIPPED, FOUND = "above of the slice", "upto of the slice", "rows of the slice", "rows behind the hop"
"""Parameters; spaces keep them apart from every name of a document."""
_KEPT = 100
_SOUND = frozenset({Kind.STRING, Kind.INTEGER, Kind.BIGINT})
_WHOLE = frozenset({Kind.INTEGER, Kind.BIGINT})
_UNSOUND = re.compile(r"\s*(enum|set)\b", re.IGNORECASE)
"""Types that MariaDB orders otherwise than it compares them."""


@dataclass(frozen=True, slots=True)
class _Ends:
    key: Column
    above: bool
    upto: bool


def sound(key: Column, described: Mapping[str, ColumnDescription]) -> bool:
    """Whether the key's order in the source is that of its comparisons with wire values. No description at all says nothing against it."""
    column = described.get(key.name)
    if key.kind not in _SOUND or (described and column is None):
        return False
    if column is None:
        return True
    same = column.kind is key.kind or (column.kind in _WHOLE and key.kind in _WHOLE)
    return same and not _UNSOUND.match(column.type)


class Streams:
    """The compiled statements of one dialect; the most recent are kept."""

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect = dialect
        self._columns = Columns(dialect)
        self._kept: Kept[tuple[Selection, _Ends | None, bool], Statement] = Kept(_KEPT)

    def rows(self, selection: Selection, part: Slice | None) -> Statement:
        """Reads the selection; with ``part``, whose ends :func:`ends` binds, that slice in no particular order."""
        ends = None if part is None else _Ends(part.key, part.above is not None, part.upto is not None)
        return self._get(selection if part is None or selection.after else replace(selection, order=()), ends, hopping=False)

    def hop(self, selection: Selection, key: Column, *, behind: bool) -> Statement:
        """The key of the row that lies :data:`SKIPPED` rows behind the first, or behind :data:`ABOVE`; and that of :data:`FOUND` rows in all."""
        return self._get(replace(selection, outputs=(Column(key.name, key.kind),), order=(), after=(), limit=None), _Ends(key, behind, False), hopping=True)

    def _get(self, selection: Selection, ends: _Ends | None, *, hopping: bool) -> Statement:
        name = (selection, ends, hopping)
        statement = self._kept.get(name)
        if statement is None:
            statement = _SliceWriter(self._dialect, selection, ends, self._columns).written(hopping=hopping)
            self._kept.keep(name, statement)
        return statement


def ends(part: Slice | None) -> dict[str, Value]:
    """What a slice binds."""
    return {} if part is None else {ABOVE: part.above, UPTO: part.upto}


class _SliceWriter(Writer):
    def __init__(self, dialect: SqlDialect, selection: Selection, ends: _Ends | None, columns: Columns) -> None:
        # The key among the columns, but no list of its values.
        super().__init__(dialect, selection, None if ends is None else ends.key, columns)
        self._key = None
        self._ends = ends

    def written(self, *, hopping: bool) -> Statement:
        query = self._filtered(select(*self._outputs()))
        if self._ends is not None:
            query = query.where(*self._sliced(self._ends, hopping=hopping))
        if hopping and self._ends is not None:
            key = self._table.c[self._ends.key.name]
            query = query.where(key.is_not(None)).order_by(key).limit(self._binds.place(FOUND)).offset(self._binds.place(SKIPPED))
        else:
            query = self._placed(query)
        compiled = query.compile(dialect=self._dialect.core, compile_kwargs={"render_postcompile": True})
        return Statement(str(compiled), placed(self._binds, compiled), self._decoders())

    def _sliced(self, ends: _Ends, *, hopping: bool) -> list[Expression]:
        """Bare columns, so that the key's index serves, and its own order counts."""
        key, kind = self._table.c[ends.key.name], ends.key.kind
        parts: list[Expression] = []
        if ends.above:
            parts.append(key > self._dialect.native(self._binds, ABOVE, kind))
        if ends.upto:
            parts.append(key <= self._dialect.native(self._binds, UPTO, kind))
        if hopping or ends.above or not ends.upto:
            return parts
        return [or_(and_(*parts), key.is_(None))]
