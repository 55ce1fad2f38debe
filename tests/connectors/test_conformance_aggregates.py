"""What every connector's figures are: the same as those of the rows, by plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from connectors import local
from connectors.aggregating import aggregated
from connectors.aggregation import GROUPED, RANGED, SUMMED, WIDTH, Aggregation, Measure
from connectors.selection import Column, Compare, Comparison, Every, Kind, Predicate, Row, Some, Value
from connectors.wire import comparable
from tests.connectors.people import KINDS, NAMES, PEOPLE
from tests.connectors.stands.stand import People

pytestmark = pytest.mark.anyio
EVERYONE = Every(())
MEASURES = tuple(Measure(name, kind, total=kind in SUMMED, extremes=True) for name, kind in KINDS.items() if kind in RANGED)
DISTRICT = Compare("district", Kind.STRING, Comparison.EQ, "district")
OLD = Compare("age", Kind.INTEGER, Comparison.GT, "age")
BINDS: Mapping[str, Value] = {"district": "520102", "age": 6, "most": 100}


def column(name: str) -> Column:
    return Column(name, KINDS[name])


def figures(name: str, kind: Kind, rows: Sequence[Row]) -> list[Any]:
    values = sorted(value for value in (comparable(row[NAMES.index(name)], kind) for row in rows) if value is not None)
    if not values:
        return [0, 0, None, None, None]
    total: Any = None
    if kind is Kind.FLOAT:
        total = math.fsum(values)
    elif kind in SUMMED:
        total = sum(map(Decimal, map(str, values)), Decimal(0))
    return [len(values), 0, total, values[0], values[-1]]


def read(cells: Sequence[Row], head: int, measures: Sequence[Measure]) -> dict[Row, list[Any]]:
    """Cells by their marks and keys: count and figures, numbers as numbers."""
    found = {}
    for cell in cells:
        made: list[Any] = [cell[head]]
        for i, measure in enumerate(measures):
            known, bad, total, least, most = cell[head + 1 + i * WIDTH : head + 1 + (i + 1) * WIDTH]
            assert measure.kind is Kind.FLOAT or total is None or isinstance(total, str)
            number = total if total is None or measure.kind is Kind.FLOAT else Decimal(str(total))
            made += [known, bad, number, comparable(least, measure.kind), comparable(most, measure.kind)]
        assert cell[:head] not in found
        found[cell[:head]] = made
    return found


def expected(where: Predicate | None, marks: Sequence[Predicate], keys: Sequence[str], measures: Sequence[Measure]) -> dict[Row, list[Any]]:
    places = {name: i for i, name in enumerate(NAMES)}
    tests: list[Callable[[Row], bool | None]] = [local.condition(mark, places, BINDS) for mark in marks]
    groups: dict[Row, list[Row]] = {}
    for row in PEOPLE:
        if local.condition(where, places, BINDS)(row) is True:
            groups.setdefault((*(test(row) is True for test in tests), *(row[places[key]] for key in keys)), []).append(row)
    return {head: [len(rows), *(each for m in measures for each in figures(m.column, m.kind, rows))] for head, rows in groups.items()}


@pytest.mark.behaviour("聚合：计数、求和、极值、分组", "aggregates: counts, exact sums, extremes, groups")
@pytest.mark.parametrize("keys", [(), *((name,) for name, kind in KINDS.items() if kind in GROUPED), ("district", "active")])
async def test_figures_are_those_of_the_rows(people: People, keys: tuple[str, ...]) -> None:
    for where in (None, DISTRICT, Every((DISTRICT, OLD))):
        for marks in ((), (EVERYONE, OLD), (Some((DISTRICT, OLD)),)):
            asked = Aggregation(people.binding, where, marks, tuple(map(column, keys)), MEASURES, "most")
            found = read(await aggregated(people.source, asked, BINDS), len(marks) + len(keys), MEASURES)
            wanted = expected(where, marks, keys, MEASURES)
            assert set(found) == set(wanted)
            for head, made in wanted.items():
                assert all(map(same, found[head], made)), (head, found[head], made)


def same(left: Any, right: Any) -> bool:
    """Sources may add floats in any order."""
    return math.isclose(left, right, rel_tol=1e-12) if isinstance(right, float) else bool(left == right)


@pytest.mark.behaviour("聚合的上限与空集", "aggregates: the most cells, and nothing of no rows")
async def test_cells_are_bounded_and_there_are_none_of_no_rows(people: People) -> None:
    by_number = Aggregation(people.binding, None, (), (column("record_no"),), (), "most")
    assert len(await aggregated(people.source, by_number, {"most": 4})) == 4
    for marks in ((), (EVERYONE,)):
        assert list(await aggregated(people.source, Aggregation(people.empty, None, marks, (), MEASURES, "most"), BINDS)) == []
