"""Predicates and keyset positions as SQL conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import FromClause, Text, and_, false, not_, or_, true

from connectors.selection import SALT, Compare, Comparison, Every, Kind, Linked, Not, Order, Predicate, Some
from connectors.sql.dialect import Binds, Expression, SqlDialect
from connectors.sql.tables import compared_columns, named_table

_ORDERED: dict[Comparison, Callable[[Expression, Expression], Expression]] = {
    Comparison.GT: lambda left, right: left > right,
    Comparison.GTE: lambda left, right: left >= right,
    Comparison.LT: lambda left, right: left < right,
    Comparison.LTE: lambda left, right: left <= right,
}


class Conditions:
    """Writes conditions on one table in one dialect; the values' places gather in ``binds``."""

    def __init__(self, dialect: SqlDialect, table: FromClause, binds: Binds, depth: int = 0) -> None:
        self._dialect = dialect
        self._table = table
        self._binds = binds
        self._depth = depth

    def predicate(self, part: Predicate) -> Expression:
        """A predicate, in SQL's own three-valued logic."""
        match part:
            case Every(parts):
                return and_(true(), *(self.predicate(each) for each in parts))
            case Some(parts):
                return or_(false(), *(self.predicate(each) for each in parts))
            case Not(negated):
                return not_(self.predicate(negated))
            case Compare():
                return self._compare(part)
            case Linked():
                return self._linked(part)

    def _linked(self, part: Linked) -> Expression:
        # An alias, because an object may be linked to itself.
        there = named_table(part.binding, [part.key, *compared_columns(part.where)]).alias(f"linked{self._depth}")
        within = Conditions(self._dialect, there, self._binds, self._depth + 1)
        return self._dialect.linked((self._table, self._table.c[part.column]), (there, there.c[part.key]), part.kind, within.predicate(part.where))

    def _compare(self, part: Compare) -> Expression:
        dialect, binds, column, kind = self._dialect, self._binds, self._table.c[part.column], part.kind
        match part.comparison:
            case Comparison.IS_NULL:
                return column.is_(None).self_group() == dialect.value(binds, part.parameter, Kind.BOOLEAN, ordered=False)
            case Comparison.IN | Comparison.NOT_IN:
                return dialect.among(column, binds, part.parameter, kind, negated=part.comparison is Comparison.NOT_IN)
            case Comparison.STARTS_WITH:
                return dialect.starts_with(column, binds, part.parameter)
            case Comparison.EQ:
                return self.equals(part.column, kind, part.parameter)
            case Comparison.NE:
                return dialect.stored(column, kind, ordered=False) != dialect.against(column, binds, part.parameter, kind, ordered=False)
        return _ORDERED[part.comparison](dialect.stored(column, kind, ordered=True), dialect.against(column, binds, part.parameter, kind, ordered=True))

    def equals(self, column: str, kind: Kind, parameter: str) -> Expression:
        """The column equals the parameter; null where either is null."""
        return self._dialect.equal(self._table.c[column], self._binds, parameter, kind)

    def claimed(self, column: str, kind: Kind, parameter: str) -> Expression:
        """The column is one of the parameter's list; null where it is null."""
        return self._dialect.claimed(self._table.c[column], self._binds, parameter, kind)

    def order(self, keys: Sequence[Order]) -> list[Expression]:
        """The sort keys, nulls last."""
        return [part for key in keys for part in self._dialect.directed(self._stored(key), descending=key.descending, nullable=key.nullable)]

    def behind(self, keys: Sequence[Order], parameters: Sequence[str]) -> Expression:
        """Rows strictly behind a position: behind in one key and equal in all before it. A null position of a nullable key lies last."""
        alternatives = [
            and_(*(self._same(key, name) for key, name in zip(keys[:place], parameters, strict=False)), self._behind(key, parameters[place]))
            for place, key in enumerate(keys)
        ]
        position = or_(*alternatives)
        if keys[0].nullable or keys[0].scrambled or len(keys) == 1:
            return position
        # Says nothing new, but a range over the first key is what an index can begin with.
        first, value = self._stored(keys[0]), self._value(keys[0], parameters[0])
        return and_(first <= value if keys[0].descending else first >= value, position)

    def _behind(self, key: Order, parameter: str) -> Expression:
        stored, value = self._stored(key), self._value(key, parameter)
        further = stored < value if key.descending else stored > value
        if not key.nullable:
            return further
        return or_(further, and_(stored.is_(None), self._value(key, parameter).is_not(None)))

    def _same(self, key: Order, parameter: str) -> Expression:
        stored, value = self._stored(key), self._value(key, parameter)
        return stored.is_not_distinct_from(value) if key.nullable else stored == value

    def _stored(self, key: Order) -> Expression:
        if key.scrambled:
            return self._scrambled(self._dialect.plain(self._table.c[key.column], key.kind))
        return self._dialect.stored(self._table.c[key.column], key.kind, ordered=True)

    def _value(self, key: Order, parameter: str) -> Expression:
        if key.scrambled:
            return self._scrambled(self._binds.place(parameter, str, Text()))
        return self._dialect.against(self._table.c[key.column], self._binds, parameter, key.kind, ordered=True)

    def _scrambled(self, plain: Expression) -> Expression:
        return self._dialect.scrambled(self._binds.place(SALT, None, Text()), plain)
