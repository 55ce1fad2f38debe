"""Masks in snapshots are the reference's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import column, select

from connectors.files.dialect import DuckDialect
from connectors.selection import Kind
from masking import reference
from masking.sql import masked
from tests.masking.cases import LABELS, NUMBER_LABELS, VALUES, golden, many_numbers, many_values, mask_of, number_statement

pytestmark = pytest.mark.slow
DIALECT = DuckDialect()


def in_duckdb(statements: Sequence[tuple[str, list[object]]], contents: Sequence[object], type_: str = "VARCHAR") -> list[list[object]]:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE value (position BIGINT, content {type_})")
        connection.execute(f"INSERT INTO value SELECT unnest(range(len($1))), unnest($1::{type_}[])", [list(contents)])
        return [[row[0] for row in connection.execute(text, bound).fetchall()] for text, bound in statements]


@pytest.fixture(scope="module")
def statements() -> dict[str, tuple[str, list[object]]]:
    """By label, of texts."""
    return {label: _of_texts(label) for label in LABELS}


def _of_texts(label: str) -> tuple[str, list[object]]:
    asked = select(masked(mask_of(label), VALUES.c.content, DuckDialect.name)).select_from(VALUES).order_by(column("position"))
    compiled = asked.compile(dialect=DuckDialect.core, compile_kwargs={"render_postcompile": True})
    return str(compiled), [compiled.params[name] for name in compiled.positiontup or ()]


def test_golden_vectors() -> None:
    for label in {vector[0] for vector in golden()}:
        pairs = [(value, expected) for other, value, expected in golden() if other == label]
        assert in_duckdb([_of_texts(label)], [value for value, _ in pairs]) == [[expected for _, expected in pairs]]


@given(contents=many_values)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_duckdb_equals_the_reference(statements: dict[str, tuple[str, list[object]]], contents: list[str | None]) -> None:
    answers = dict(zip(statements, in_duckdb(list(statements.values()), contents), strict=True))
    assert answers == {label: [reference.apply(mask_of(label), value) for value in contents] for label in LABELS}


@given(contents=many_numbers)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_numbers_equal_the_reference(contents: dict[Kind, list[Any]]) -> None:
    decimals = [{"k": "", "t": text} for text in contents[Kind.DECIMAL]]
    columns = (
        (Kind.BIGINT, "BIGINT", contents[Kind.BIGINT]),
        (Kind.FLOAT, "DOUBLE", contents[Kind.FLOAT]),
        (Kind.DECIMAL, "STRUCT(k VARCHAR, t VARCHAR)", decimals),
    )
    for kind, type_, stored in columns:
        answers = in_duckdb([number_statement(mask_of(label), DIALECT, kind) for label in NUMBER_LABELS], stored, type_)
        assert answers == [[reference.apply(mask_of(label), value) for value in contents[kind]] for label in NUMBER_LABELS]
