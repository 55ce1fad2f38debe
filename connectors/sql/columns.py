"""Outputs of one dialect as text: SQLAlchemy goes through all of a mask's parts to write it, so it does that once for each column."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import FromClause, literal_column

from connectors.kept import Kept
from connectors.selection import Binding, Column
from connectors.sql.dialect import Decode, Expression, SqlDialect, guarded, unsealed
from connectors.sql.tables import named_table
from masking.rules import tells_nothing
from masking.sql import masked

_KEPT = 500_000
"""Characters, each column with :data:`_OVERHEAD`."""
_OVERHEAD = 1_000
_PLACES = ("%(", "__[")
"""What SQLAlchemy writes for a place before it knows its number: a text that holds it as it stands would be taken for one."""


@dataclass(frozen=True, slots=True)
class Written:
    """One output column. ``clause`` is for SQLAlchemy, ``text`` as it stands in a statement; both ``None`` where it binds something."""

    clause: Expression | None
    text: str | None
    decode: Decode | None


class Columns:
    """The columns that were written."""

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect = dialect
        self._kept: Kept[tuple[Binding, Column], Written] = Kept(_KEPT, lambda _, column: _OVERHEAD + 2 * len(column.text or ""))

    def written(self, binding: Binding, column: Column) -> Written:
        """The column of this table, masked as it says."""
        found = self._kept.get((binding, column))
        if found is None:
            found = self._write(named_table(binding, [column.name]), column)
            self._kept.keep((binding, column), found)
        return found

    def shown(self, table: FromClause, column: Column) -> Expression:
        """The column as it is selected, in SQLAlchemy's parts."""
        here = table.c[column.name]
        if column.mask is None:
            return self._dialect.wire(here, column.kind)
        shown = masked(column.mask, self._dialect.text(here, column.kind), self._dialect.name)
        return shown if tells_nothing(column.mask) else guarded(self._dialect, here, column.kind, shown)

    def _write(self, table: FromClause, column: Column) -> Written:
        shown, decode = self.shown(table, column), self._decode(table, column)
        # Masks write their constants into the statement.
        compiled = shown.compile(dialect=self._dialect.core, compile_kwargs={"render_postcompile": True})
        text = str(compiled)
        # What is taken literally is escaped for the driver once more.
        bare = text.replace("%%", "%") if self._dialect.core.identifier_preparer._double_percents else text
        if compiled.params or any(place in bare for place in _PLACES):
            return Written(None, None, decode)
        return Written(literal_column(bare, shown.type), text, decode)

    def _decode(self, table: FromClause, column: Column) -> Decode | None:
        if column.mask is None:
            return self._dialect.decode(column.kind)
        sound = tells_nothing(column.mask) or self._dialect.undeliverable(table.c[column.name], column.kind) is None
        return None if sound else unsealed
