"""What the hub computes itself equals what a database answers, for any predicate, order, page and rows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.local import answer, needed_columns
from connectors.selection import SALT, Binding, Column, Compare, Comparison, Every, Kind, Match, Not, Order, Output, Predicate, Row, Selection, Some, Value
from connectors.spi import SourceConfig
from connectors.sql import SqlConnector
from masking.rules import parse_mask
from tests.connectors.people import KINDS, NAMES, write_sqlite
from tests.thorough import examples_of

_texts = st.sampled_from(["", "a", "A", "a_", "a%b", "é", "王", "王小明", "𠮷", "￥", "Z"])
_VALUES: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.STRING: _texts,
    Kind.INTEGER: st.integers(-2, 2),
    Kind.BIGINT: st.sampled_from([0, 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]),
    Kind.FLOAT: st.sampled_from([0.0, 0.1, -1.5, 1e300]),
    Kind.DECIMAL: st.sampled_from(["0", "0.00", "1.5", "1.50", "-2", "10"]),
    Kind.BOOLEAN: st.booleans(),
    Kind.DATE: st.sampled_from(["1990-05-17", "1990-05-18", "2000-01-01"]),
    Kind.DATETIME: st.sampled_from(["2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.000001+00:00", "2025-12-31T23:59:59+00:00"]),
}
_COMPARISONS = [comparison for comparison in Comparison if comparison is not Comparison.STARTS_WITH]


def _or_null(kind: Kind) -> st.SearchStrategy[Value]:
    return st.one_of(st.none(), _VALUES[kind])


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Rows with unique record numbers, many ties and many nulls."""
    rest = st.tuples(*(_or_null(KINDS[name]) for name in NAMES[1:]))
    return [(number, *draw(rest)) for number in range(draw(st.integers(0, 8)))]


class Drawing:
    """Draws parts of a selection and binds their parameters."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.parameters: dict[str, Any] = {SALT: "盐 salt"}

    def bind(self, value: object) -> str:
        name = f"v{len(self.parameters)}"
        self.parameters[name] = value
        return name

    def column(self) -> tuple[str, Kind]:
        name = self._draw(st.sampled_from(NAMES))
        return name, KINDS[name]

    def predicate(self, depth: int = 3) -> Predicate:
        shape = self._draw(st.sampled_from(["compare"] if depth == 0 else ["compare", "compare", "every", "some", "not"]))
        if shape == "not":
            return Not(self.predicate(depth - 1))
        if shape == "compare":
            return self.compare()
        parts = tuple(self.predicate(depth - 1) for _ in range(self._draw(st.integers(0, 3))))
        return Every(parts) if shape == "every" else Some(parts)

    def compare(self) -> Compare:
        name, kind = self.column()
        comparison = self._draw(st.sampled_from(list(Comparison) if kind is Kind.STRING else _COMPARISONS))
        if comparison is Comparison.IS_NULL:
            value: object = self._draw(st.booleans())
        elif comparison in (Comparison.IN, Comparison.NOT_IN):
            value = self._draw(st.lists(_VALUES[kind], max_size=3))
        else:
            value = self._draw(_or_null(kind))
        return Compare(name, kind, comparison, self.bind(value))

    def order(self) -> tuple[Order, ...]:
        names = self._draw(st.lists(st.sampled_from(NAMES[1:]), unique=True, max_size=2))
        keys = [Order(name, KINDS[name], self._draw(st.booleans())) for name in names]
        stable = Order("record_no", Kind.BIGINT, self._draw(st.booleans()), nullable=False)
        return (*keys, replace(stable, scrambled=True), stable) if self._draw(st.booleans()) else (*keys, stable)

    def output(self) -> Output:
        name, kind = self.column()
        if self._draw(st.booleans()):
            return Match(name, kind, self.bind(self._draw(st.lists(_VALUES[kind], min_size=1, max_size=3))))
        label = self._draw(st.sampled_from([None, "NAME", "KEEP_FIRST_1_LAST_1", "DATE_TO_YEAR"]))
        return Column(name, kind, parse_mask(label) if label else None)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Selection, dict[str, Any]]:
    """A selection and its parameters."""
    drawing = Drawing(draw)
    order = drawing.order()
    paged = draw(st.booleans())
    after = tuple(drawing.bind(draw(_or_null(key.kind) if key.nullable else st.integers(0, 8))) for key in order) if paged else ()
    limit = drawing.bind(draw(st.integers(0, 5))) if draw(st.booleans()) else None
    outputs = (Column("record_no", Kind.BIGINT), *(drawing.output() for _ in range(2)))
    selection = Selection(Binding("person"), outputs, drawing.predicate(), order, after, limit)
    return selection, drawing.parameters


async def in_sqlite(path: Path, selection: Selection, parameters: dict[str, Any]) -> list[Row]:
    source = SqlConnector().open(SourceConfig("city.register", "sql", f"sqlite:///{path}"))
    try:
        return list(await source.fetch(selection, parameters))
    finally:
        await source.close()


@pytest.mark.slow
@given(rows=tables(), question=questions())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples_of(300), deadline=None)
def test_local_equals_sqlite(tmp_path: Path, rows: list[Row], question: tuple[Selection, dict[str, Any]]) -> None:
    selection, parameters = question
    columns = needed_columns(selection)
    raw = [tuple(row[NAMES.index(column.name)] for column in columns) for row in rows]
    path = tmp_path / "rows.db"
    path.unlink(missing_ok=True)
    write_sqlite(path, rows)
    assert answer(selection, parameters, columns, raw) == asyncio.run(in_sqlite(path, selection, parameters))
