"""Every implementation of a mask gives the same (the databases' own, MariaDB's and PostgreSQL's, are tested beside; Arrow's too)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Integer, column
from sqlalchemy.dialects import sqlite

from connectors.selection import Kind
from connectors.sql.dialect_sqlite import SqliteDialect
from masking import reference
from masking.generated import compile_mask
from masking.rules import Mask
from masking.sql import SQL_ALGORITHMS, masked
from masking.vocabulary import ALGORITHMS
from tests.masking.cases import LABELS, NUMBER_LABELS, floats, golden, golden_numbers, integers, mask_of, masks, number_statement, statement, values

Statement = tuple[str, list[object]]
DIALECT = SqliteDialect()
MASKS = masks()


@cache
def in_text(mask: Mask) -> Statement:
    return statement(mask, sqlite.dialect(paramstyle="qmark"))


def in_sqlite(statements: Sequence[Statement], contents: Sequence[object], type_: str = "TEXT") -> list[list[object]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"CREATE TABLE value (position TEXT, content {type_})")
        connection.executemany("INSERT INTO value VALUES (?, ?)", [(f"{place:04}", content) for place, content in enumerate(contents)])
        return [[row[0] for row in connection.execute(text, bound)] for text, bound in statements]
    finally:
        connection.close()


@pytest.mark.fast
@pytest.mark.parametrize("label", sorted({vector[0] for vector in golden()}))
def test_golden_texts(label: str) -> None:
    mask, pairs = mask_of(label), [(value, expected) for other, value, expected in golden() if other == label]
    contents, expected = [value for value, _ in pairs], [each for _, each in pairs]
    assert [reference.apply(mask, value) for value in contents] == expected
    assert list(map(compile_mask(mask), contents)) == expected
    assert in_sqlite([in_text(mask)], contents) == [expected]


@pytest.mark.fast
@pytest.mark.parametrize("label", sorted({vector[0] for vector in golden_numbers()}))
def test_golden_numbers(label: str) -> None:
    mask = mask_of(label)
    for _, value, expected in (vector for vector in golden_numbers() if vector[0] == label):
        made = compile_mask(mask)(value)
        assert (reference.apply(mask, value), type(made)) == (expected, type(expected))
        assert made == expected
    whole = [(value, expected) for other, value, expected in golden_numbers() if other == label and type(value) is int]
    parts = [(value, expected) for other, value, expected in golden_numbers() if other == label and isinstance(value, float)]
    for kind, pairs in ((Kind.BIGINT, whole), (Kind.FLOAT, parts)):
        answers = in_sqlite([number_statement(mask, DIALECT, kind)], [value for value, _ in pairs], "")
        assert answers == [[expected for _, expected in pairs]]


@pytest.mark.slow
@given(contents=st.lists(values, min_size=10, max_size=40))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_all_implementations_agree_on_texts(contents: list[str | None]) -> None:
    expected = {name: [reference.apply(mask, value) for value in contents] for name, mask in MASKS.items()}
    assert {name: list(map(compile_mask(mask), contents)) for name, mask in MASKS.items()} == expected
    assert dict(zip(MASKS, in_sqlite([in_text(mask) for mask in MASKS.values()], contents), strict=True)) == expected


@pytest.mark.slow
@given(whole=st.lists(integers, min_size=10, max_size=40), parts=st.lists(floats, min_size=10, max_size=40))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_all_implementations_agree_on_numbers(whole: list[int], parts: list[float]) -> None:
    rules = [mask_of(label) for label in NUMBER_LABELS]
    for kind, contents in ((Kind.BIGINT, whole), (Kind.FLOAT, parts)):
        expected = [[reference.apply(mask, value) for value in contents] for mask in rules]
        made = [list(map(compile_mask(mask), contents)) for mask in rules]
        assert made == expected
        assert [[type(value) for value in column_] for column_ in made] == [[type(value) for value in column_] for column_ in expected]
        assert in_sqlite([number_statement(mask, DIALECT, kind) for mask in rules], contents, "") == expected


@pytest.mark.fast
@pytest.mark.parametrize("label", [label for label in LABELS if not label.startswith(("CONSTANT", "NUMBER"))])
@pytest.mark.parametrize("value", [5, 5.0, True, b"raw", object()])
def test_what_is_no_text_is_withheld(label: str, value: object) -> None:
    assert reference.apply(mask_of(label), value) is None  # type: ignore[arg-type]
    assert compile_mask(mask_of(label))(value) is None
    assert "NULL" in str(masked(mask_of(label), column("amount", Integer), "sqlite"))
    assert "amount" not in str(masked(mask_of(label), column("amount", Integer), "sqlite"))


@pytest.mark.fast
@pytest.mark.parametrize(
    "mask",
    [
        Mask("UNKNOWN"),
        Mask("KEEP_FIRST_N_LAST_M"),
        Mask("KEEP_FIRST_N_LAST_M", ("1", 1)),
        Mask("KEEP_FIRST_N_LAST_M", (-1, 1)),
        Mask("MASK_FROM_X_TO_Y", (3, 2)),
        Mask("KEEP_FROM_X_TO_Y", (1,)),
        Mask("MASK_BEFORE_SPECIAL_CHARS", ("",)),
        Mask("MASK_AFTER_SPECIAL_CHARS", (1,)),
        Mask("DATE_TO_BAND", (0,)),
        Mask("NUMBER_TO_INTERVAL", (0,)),
        Mask("NUMBER_ROUND", ("7",)),
        Mask("CONSTANT"),
        Mask("NAME", (1,)),
        Mask("PSEUDONYM", ("",)),
    ],
)
@pytest.mark.parametrize("value", ["raw", "1990-05-17", "12"])
def test_a_rule_that_is_wrong_withholds(mask: Mask, value: str) -> None:
    assert reference.apply(mask, value) is None
    assert compile_mask(mask)(value) is None
    assert in_sqlite([in_text(mask)], [value]) == [[None]]


@pytest.mark.fast
def test_sql_writes_every_algorithm_but_pseudonyms() -> None:
    algorithms = {algorithm.masks_as or algorithm.name for algorithm in ALGORITHMS.values()}
    assert {mask_of(label).algorithm for label in LABELS} == SQL_ALGORITHMS == algorithms - {"PSEUDONYM"}
