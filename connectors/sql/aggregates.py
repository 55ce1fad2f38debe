"""Aggregations compiled to SQL text: an inner statement that marks rows, an outer one that counts and adds up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, Integer, Select, Subquery, case, func, literal_column, select

from connectors.aggregation import WIDTH, Aggregation, Measure
from connectors.selection import Every, Kind
from connectors.sql.dialect import Binds, Decode, Expression, SqlDialect
from connectors.sql.predicates import Conditions
from connectors.sql.statement import Statement, placed
from connectors.sql.tables import compared_columns, named_table

_ONE, _NONE = literal_column("1", Integer), literal_column("0", Integer)


class AggregateWriter:
    """Writes one aggregation in one dialect. Placeholders stand in the inner statement only, so that the outer one may group by what it selects."""

    def __init__(self, dialect: SqlDialect, asked: Aggregation) -> None:
        self._dialect, self._asked = dialect, asked
        self._binds = Binds()

    def statement(self) -> Statement:
        """The statement, whose rows are cells."""
        asked, dialect = self._asked, self._dialect
        inner = self._inner()
        marks = [inner.c[f"m{i}"] for i in range(len(asked.marks))]
        groups = [dialect.grouping(inner.c[f"k{i}"], key.kind) for i, key in enumerate(asked.keys)]
        shown = [inner.c[f"k{i}"] if group is inner.c[f"k{i}"] else func.min(inner.c[f"k{i}"]) for i, group in enumerate(groups)]
        figures = [each for i, measure in enumerate(asked.measures) for each in self._figures(inner.c[f"v{i}"], measure)]
        outputs = [each.label(f"o{place}") for place, each in enumerate([*marks, *shown, func.count(), *figures])]
        query: Select[Any] = select(*outputs).select_from(inner).group_by(*marks, *groups)
        if not marks and not groups:
            # Without anything to group by there is a row even of no rows.
            query = query.having(func.count() > _NONE)
        compiled = query.limit(self._binds.place(asked.limit)).compile(dialect=dialect.core, compile_kwargs={"render_postcompile": True})
        return Statement(str(compiled), placed(self._binds, compiled), self._decoders())

    def _inner(self) -> Subquery:
        asked, dialect = self._asked, self._dialect
        compared = compared_columns(Every((*asked.marks, *((asked.where,) if asked.where else ()))))
        table: FromClause = named_table(asked.binding, [*compared, *(key.name for key in asked.keys), *(each.column for each in asked.measures)])
        conditions = Conditions(dialect, table, self._binds)
        marks = [case((conditions.predicate(mark), _ONE), else_=_NONE).label(f"m{i}") for i, mark in enumerate(asked.marks)]
        keys = [dialect.wire(table.c[key.name], key.kind).label(f"k{i}") for i, key in enumerate(asked.keys)]
        values = [table.c[each.column].label(f"v{i}") for i, each in enumerate(asked.measures)]
        query = select(*marks, *keys, *values, _ONE.label("one")).select_from(table)
        if asked.where is not None:
            query = query.where(conditions.predicate(asked.where))
        return query.subquery("rows_of")

    def _figures(self, value: Expression, measure: Measure) -> list[Expression]:
        dialect = self._dialect
        nothing: Expression = literal_column("NULL")
        wrong = dialect.unsummable(value, measure.kind) if measure.total else dialect.undeliverable(value, measure.kind)
        bad = func.min(_NONE) if wrong is None else func.sum(case((wrong, _ONE), else_=_NONE))
        total = dialect.summed(value, measure.kind) if measure.total else nothing
        least, greatest = dialect.extremes(value, measure.kind) if measure.extremes else (nothing, nothing)
        return [func.count(value), bad, total, least, greatest]

    def _decoders(self) -> tuple[tuple[int, Decode], ...]:
        asked, dialect = self._asked, self._dialect
        found: list[Decode | None] = [bool] * len(asked.marks)
        found += [dialect.decode(key.kind) for key in asked.keys]
        found.append(int)
        for measure in asked.measures:
            extreme = dialect.decode_extreme(measure.kind)
            found += [int, int, float if measure.kind is Kind.FLOAT else str, extreme, extreme]
        if len(found) != len(asked.marks) + len(asked.keys) + 1 + WIDTH * len(asked.measures):
            raise AssertionError("a cell's values and their decoders differ in number")
        return tuple((place, decode) for place, decode in enumerate(found) if decode is not None)
