"""Figures of an aggregate: made of a source's cells, exact, in the form in which they are answered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.aggregation import Measure, added, divided, exact, plain
from connectors.selection import Kind, Undeliverable, Value
from connectors.wire import comparable
from schema.cohorts import Part, Verdict
from schema.model import Item, Resource
from schema.scalars import write_bigint
from schema.shapes import ItemUse
from schema.values import fits, undeliverable, unfit

Measured = tuple[int, int, Value, Value, Value]
"""Of one item in one cell: see :data:`connectors.aggregation.WIDTH`."""


@dataclass(frozen=True)
class Cell:
    """A source's cell."""

    part: Part
    measures: tuple[Measured, ...]


@dataclass(frozen=True)
class Wanted:
    """What of an aggregate is selected: items by their GraphQL names."""

    sums: Mapping[str, Item]
    averages: Mapping[str, Item]
    extremes: Mapping[str, Item]

    @property
    def items(self) -> tuple[Item, ...]:
        """All of them."""
        return tuple({item.code: item for item in (*self.totals, *self.extremes.values())}.values())

    @property
    def totals(self) -> tuple[Item, ...]:
        """Those that are added up."""
        return tuple({**self.sums, **self.averages}.values())

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What the source is asked of each of the items."""
        return tuple(Measure(item.column, item.kind, item in self.totals, item in self.extremes.values()) for item in self.items)

    @property
    def uses(self) -> tuple[ItemUse, ...]:
        """What is taken of them. The least and the greatest value are one row's own."""
        shown = [ItemUse(item.code, "clear") for item in self.extremes.values()]
        return (*shown, *(ItemUse(item.code, "aggregate") for item in self.totals))


@dataclass(frozen=True)
class Figures:
    """Of the whole or of one group. Items are named as in GraphQL; a figure that is withheld or of no value is ``None``."""

    count: int | None
    sums: Mapping[str, Value]
    averages: Mapping[str, Value]
    least: Mapping[str, Value]
    most: Mapping[str, Value]


@dataclass(frozen=True)
class Group:
    """One group: its values by GraphQL name."""

    key: Mapping[str, Value]
    figures: Figures


@dataclass(frozen=True)
class Aggregated:
    """What is told."""

    withheld: bool
    whole: Figures
    groups: tuple[Group, ...] | None
    more: bool


def nothing(wanted: Wanted) -> Figures:
    """All figures withheld."""
    extremes: dict[str, Value] = dict.fromkeys(wanted.extremes)
    return Figures(None, dict.fromkeys(wanted.sums), dict.fromkeys(wanted.averages), extremes, extremes)


def figures(resource: Resource, wanted: Wanted, cells: Sequence[Cell], verdict: Verdict) -> Figures:
    """The figures of these cells together, as far as they may be told.

    Raises:
        Fault: ``SOURCE_VALUE`` where a value that would be told, or would be in a sum, cannot be delivered.
    """
    totals: dict[str, tuple[Value, Value]] = {}
    extremes: dict[str, tuple[Value, Value]] = {}
    for place, item in enumerate(wanted.items):
        measured = [cell.measures[place] for cell in cells if cell.measures[place][0]] if verdict.sums[place] else []
        if any(each[1] for each in measured):
            raise undeliverable(resource, item)
        totals[item.code] = _total(resource, item, measured) if item in wanted.totals else (None, None)
        extremes[item.code] = _extremes(resource, item, measured)
    averages = {item.code: totals[item.code][1] if told else None for item, told in zip(wanted.items, verdict.averages, strict=True)}
    return Figures(
        sum(cell.part.count for cell in cells),
        {name: totals[item.code][0] for name, item in wanted.sums.items()},
        {name: averages[item.code] for name, item in wanted.averages.items()},
        {name: extremes[item.code][0] for name, item in wanted.extremes.items()},
        {name: extremes[item.code][1] for name, item in wanted.extremes.items()},
    )


def _total(resource: Resource, item: Item, measured: Sequence[Measured]) -> tuple[Value, Value]:
    """Sum and average; null of no values."""
    if not measured:
        return None, None
    known = sum(each[0] for each in measured)
    if item.kind is Kind.FLOAT:
        total = _float_sum([float(each[2] or 0) for each in measured])
        if not math.isfinite(total):
            raise unfit(resource, item)
        return total, total / known
    number = added([exact(each[2]) for each in measured])
    return plain(number) if item.kind is Kind.DECIMAL else write_bigint(int(number)), plain(divided(number, known))


def _float_sum(parts: Sequence[float]) -> float:
    try:
        return math.fsum(parts)
    except OverflowError:
        return math.inf


def _extremes(resource: Resource, item: Item, measured: Sequence[Measured]) -> tuple[Value, Value]:
    """The least and the greatest value; null of no values."""
    found = [value for each in measured for value in each[3:5] if value is not None]
    if any(isinstance(value, Undeliverable) for value in found):
        raise undeliverable(resource, item)
    if item.kind in (Kind.INTEGER, Kind.FLOAT) and not all(fits(value, item.kind) for value in found):
        raise unfit(resource, item)
    if not found:
        return None, None
    ordered = sorted(found, key=lambda value: comparable(value, item.kind))
    return shown(ordered[0], item), shown(ordered[-1], item)


def shown(value: Value, item: Item) -> Value:
    """A value in its answered form: decimals in their shortest text, as the same number has several."""
    if value is None:
        return None
    if item.kind is Kind.DECIMAL:
        return plain(exact(value))
    return write_bigint(value) if item.kind is Kind.BIGINT else value
