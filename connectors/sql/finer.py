"""Columns that a database compares otherwise than it shows them: of a moment an item may show the day, of a column without a type a number's text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

from connectors.aggregation import Aggregation
from connectors.selection import Binding, Column, Compare, Every, Kind, Linked, Not, Predicate, Selection, Some
from connectors.spi import ColumnDescription
from connectors.sql.dialect import SqlDialect

Compared = tuple[Binding, str, Kind]


class Finer:
    """Asks the database once for each object, and only where a type may matter; who changes a column's type has the source opened anew."""

    def __init__(self, dialect: SqlDialect, describe: Callable[[Binding], Awaitable[Sequence[ColumnDescription]]]) -> None:
        self._dialect = dialect
        self._describe = describe
        self._known: dict[Binding, Mapping[str, ColumnDescription]] = {}

    async def among(self, compared: Iterable[Compared]) -> bool:
        """One of them is such a column."""
        doubted = [each for each in compared if each[2] in self._dialect.doubted]
        for binding in {each[0] for each in doubted} - self._known.keys():
            self._known[binding] = {column.name: column for column in await self._describe(binding)}
        return any(self._dialect.misleads(column, kind) for binding, name, kind in doubted if (column := self._known[binding].get(name)))


def compared_by(selection: Selection, key: Column | None = None) -> Iterator[Compared]:
    """What a selection compares and orders, and its key."""
    if key is not None:
        yield selection.binding, key.name, key.kind
    yield from ((selection.binding, each.column, each.kind) for each in (*selection.order, *selection.outputs) if not isinstance(each, Column))
    if selection.where is not None:
        yield from _within(selection.binding, selection.where)


def compared_in(asked: Aggregation) -> Iterator[Compared]:
    """What an aggregation compares."""
    for part in (*asked.marks, *((asked.where,) if asked.where is not None else ())):
        yield from _within(asked.binding, part)


def _within(binding: Binding, part: Predicate) -> Iterator[Compared]:
    match part:
        case Every(parts) | Some(parts):
            for each in parts:
                yield from _within(binding, each)
        case Not(negated):
            yield from _within(binding, negated)
        case Compare(column, kind):
            yield binding, column, kind
        case Linked():
            yield from ((binding, part.column, part.kind), (part.binding, part.key, part.kind))
            yield from _within(part.binding, part.where)
