"""Aggregations by the source where it does them, else over rows that the hub reads, within ``local_rows``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from connectors import local
from connectors.aggregation import Aggregation, Measure, added, plain
from connectors.selection import Column, Every, Kind, Row, Selection, Undeliverable, Value
from connectors.spi import Aggregating, Parameters, Source
from connectors.wire import comparable

Cell = tuple[Value, ...]


async def aggregated(source: Source, asked: Aggregation, parameters: Parameters) -> Sequence[Row]:
    """The cells of an aggregation, whatever the source can do."""
    if isinstance(source, Aggregating):
        return await source.aggregate(asked, parameters)
    columns = needed_columns(asked)
    rows = await source.fetch(Selection(asked.binding, columns, asked.where), parameters)
    return cells(asked, parameters, columns, rows)


def needed_columns(asked: Aggregation) -> tuple[Column, ...]:
    """The raw columns, each once, of which the hub makes an aggregation."""
    compared = local.needed_columns(Selection(asked.binding, (), Every(asked.marks)))
    measured = [Column(each.column, each.kind) for each in asked.measures]
    return tuple({column.name: column for column in (*compared, *asked.keys, *measured)}.values())


def cells(asked: Aggregation, parameters: Parameters, columns: Sequence[Column], rows: Iterable[Row]) -> list[Row]:
    """The cells of rows that satisfy the aggregation's ``where``, and hold ``columns``."""
    places = {column.name: place for place, column in enumerate(columns)}
    marks = [local.condition(mark, places, parameters) for mark in asked.marks]
    keys = [(places[key.name], key.kind) for key in asked.keys]
    found: dict[tuple[Any, ...], tuple[Row, list[Row]]] = {}
    for row in rows:
        marked = tuple(mark(row) is True for mark in marks)
        values = tuple(row[place] for place, _ in keys)
        # By what they are compared by, and with their type: an undeliverable text is no empty one, and True is not 1.
        compared = tuple((type(row[place]), comparable(row[place], kind)) for place, kind in keys)
        found.setdefault((marked, compared), ((*marked, *values), []))[1].append(row)
    most = parameters[asked.limit]
    measure = [_measure(each, places[each.column]) for each in asked.measures]
    made = [(*head, len(members), *(value for each in measure for value in each(members))) for head, members in found.values()]
    return made[:most] if isinstance(most, int) else made


def _measure(asked: Measure, place: int) -> Callable[[Sequence[Row]], Cell]:
    def figures(rows: Sequence[Row]) -> Cell:
        values = [row[place] for row in rows if row[place] is not None]
        bad = sum(isinstance(value, Undeliverable) for value in values)
        if bad or not values:
            return (len(values), bad, None, None, None)
        known = sorted(((comparable(value, asked.kind), value) for value in values), key=lambda pair: pair[0]) if asked.extremes else []
        least, greatest = (known[0][1], known[-1][1]) if known else (None, None)
        return (len(values), 0, _total(values, asked.kind) if asked.total else None, least, greatest)

    return figures


def _total(values: Sequence[Value], kind: Kind) -> Value:
    if kind is Kind.FLOAT:
        return math.fsum(float(value or 0) for value in values)
    return plain(added([Decimal(str(value)) for value in values]))
