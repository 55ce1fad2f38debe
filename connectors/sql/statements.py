"""Selections compiled to SQL text, once each, with the masks inside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnClause, Select, func, literal_column, select

from connectors.aggregation import Aggregation
from connectors.kept import Kept
from connectors.selection import Binding, Column, Match, Output, Rendered, Selection
from connectors.sql.aggregates import AggregateWriter
from connectors.sql.dialect import Binds, Decode, Expression, SqlDialect, guarded, unsealed
from connectors.sql.predicates import Conditions
from connectors.sql.rendering import RenderedStatement, start_of
from connectors.sql.statement import Statement, placed
from connectors.sql.tables import named_table, needed_columns
from masking.rules import tells_nothing
from masking.sql import masked

KEYS = "keys of the call"
"""Parameter that binds the key values of ``fetch_by_keys``; a space keeps it apart from every name of a document."""

MOST = "rows of the look-up"
"""Parameter that binds the most rows of a look-up."""

STATEMENTS_KEPT = 1_000_000
"""Characters of statements, each with :data:`OVERHEAD`."""
OVERHEAD = 1_000
_AGGREGATES_KEPT = 200_000
_COLUMNS_KEPT = 500_000
Columns = Kept[tuple[Binding, Column], ColumnClause[Any]]
"""Outputs of one dialect as text, by where they are read: SQLAlchemy goes through all of a mask's parts to write it, so it does that once."""
_PLACES = ("%(", "__[")
"""What SQLAlchemy writes for a place before it knows its number: a text that holds it as it stands would be taken for one."""


class Statements:
    """The compiled statements of one dialect; the most recent are kept, bounded by their length."""

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect = dialect
        self._kept: Kept[tuple[Selection, Column | None, str], Statement] = Kept(STATEMENTS_KEPT, _weight)
        self._columns: Columns = Kept(_COLUMNS_KEPT, lambda _, column: OVERHEAD + len(column.name))
        self._aggregates: Kept[Aggregation, Statement] = Kept(_AGGREGATES_KEPT, _weight)

    def rows(self, selection: Selection, key: Column | None = None) -> Statement:
        """Reads the selection's rows; with ``key``, those whose key is in :data:`KEYS`, the key's value behind the outputs."""
        return self._get(selection, key, "rows")

    def look_up(self, selection: Selection, key: Column) -> Statement:
        """The same, at most as many rows as :data:`MOST` binds."""
        return self._get(selection, key, "look up")

    def count(self, selection: Selection) -> Statement:
        """Counts the rows that the predicate holds for."""
        return self._get(selection, None, "count")

    def aggregate(self, asked: Aggregation) -> Statement:
        """Counts and adds up."""
        statement = self._aggregates.get(asked)
        if statement is None:
            statement = AggregateWriter(self._dialect, asked).statement()
            self._aggregates.keep(asked, statement)
        return statement

    def _get(self, selection: Selection, key: Column | None, what: str) -> Statement:
        name = (selection, key, what)
        statement = self._kept.get(name)
        if statement is None:
            asked = replace(selection, limit=MOST) if what == "look up" else selection
            statement = _Writer(self._dialect, asked, key, self._columns).statement(counting=what == "count")
            self._kept.keep(name, statement)
        return statement


def _weight(_: object, statement: Statement) -> int:
    return OVERHEAD + len(statement.text)


class _Writer:
    def __init__(self, dialect: SqlDialect, selection: Selection, key: Column | None, columns: Columns) -> None:
        self._dialect, self._selection, self._key, self._columns = dialect, selection, key, columns
        self._binds = Binds()
        self._table = named_table(selection.binding, needed_columns(selection, key))
        self._conditions = Conditions(dialect, self._table, self._binds)

    def statement(self, *, counting: bool) -> Statement:
        if self._selection.text is not None and not counting:
            return self._rendered(self._selection.text)
        query = self._filtered(select(func.count()) if counting else select(*self._outputs()))
        compiled = (query if counting else self._placed(query)).compile(dialect=self._dialect.core, compile_kwargs={"render_postcompile": True})
        return Statement(str(compiled), placed(self._binds, compiled), () if counting else self._decoders())

    def _rendered(self, form: Rendered) -> Statement:
        renderer = self._dialect.renderer
        if renderer is None:
            raise ValueError(f"{self._dialect.name} renders nothing")
        outputs = self._outputs()
        rows = self._placed(self._filtered(select(*outputs, *renderer.inner(form, self._table)))).subquery("page")
        page = renderer.page(form, rows, [output.name for output in outputs])
        compiled = page.compile(dialect=self._dialect.core, compile_kwargs={"render_postcompile": True})
        return RenderedStatement(str(compiled), placed(self._binds, compiled), self._decoders(), start_of(form))

    def _filtered(self, query: Select[Any]) -> Select[Any]:
        query = query.select_from(self._table)
        if self._selection.where is not None:
            query = query.where(self._conditions.predicate(self._selection.where))
        if self._key is not None:
            query = query.where(self._dialect.among(self._table.c[self._key.name], self._binds, KEYS, self._key.kind, negated=False))
        return query

    def _placed(self, query: Select[Any]) -> Select[Any]:
        selection = self._selection
        if selection.after:
            query = query.where(self._conditions.behind(selection.order, selection.after))
        query = query.order_by(*self._conditions.order(selection.order))
        return query if selection.limit is None else query.limit(self._binds.place(selection.limit))

    def _outputs(self) -> list[Expression]:
        outputs: list[Expression] = [self._output(output).label(f"o{place}") for place, output in enumerate(self._selection.outputs)]
        if self._key is not None:
            outputs.append(self._dialect.wire(self._table.c[self._key.name], self._key.kind).label("k"))
        return outputs or [literal_column("1")]

    def _output(self, output: Output) -> Expression:
        if isinstance(output, Match):
            return self._conditions.among(output.column, output.kind, output.parameter)
        found = self._columns.get((self._selection.binding, output))
        if found is None:
            shown = self._shown(output)
            found = self._as_text(shown)
            if found is None:
                return shown
            self._columns.keep((self._selection.binding, output), found)
        return found

    def _as_text(self, shown: Expression) -> ColumnClause[Any] | None:
        """The expression compiled; ``None`` where it binds something. Masks write their constants into the statement."""
        compiled = shown.compile(dialect=self._dialect.core, compile_kwargs={"render_postcompile": True})
        # What is taken literally is escaped for the driver once more.
        doubled = self._dialect.core.identifier_preparer._double_percents
        text = str(compiled).replace("%%", "%") if doubled else str(compiled)
        return None if placed(self._binds, compiled) or any(place in text for place in _PLACES) else literal_column(text, shown.type)

    def _shown(self, output: Column) -> Expression:
        column = self._table.c[output.name]
        if output.mask is None:
            return self._dialect.wire(column, output.kind)
        shown = masked(output.mask, self._dialect.text(column, output.kind), self._dialect.name)
        return shown if tells_nothing(output.mask) else guarded(self._dialect, column, output.kind, shown)

    def _decoders(self) -> tuple[tuple[int, Decode], ...]:
        decoders = [self._decoder(output) for output in self._selection.outputs]
        if self._key is not None:
            decoders.append(self._dialect.decode(self._key.kind))
        return tuple((place, decode) for place, decode in enumerate(decoders) if decode is not None)

    def _decoder(self, output: Output) -> Decode | None:
        if isinstance(output, Match):
            return bool
        if output.mask is None:
            return self._dialect.decode(output.kind)
        sound = tells_nothing(output.mask) or self._dialect.undeliverable(self._table.c[output.name], output.kind) is None
        return None if sound else unsealed
