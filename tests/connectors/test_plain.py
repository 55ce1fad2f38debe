"""Columns that are passed on as they are: only where their decoder would leave every value as it is; and what is kept of what is asked for."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import Any

import pytest

from connectors.kept import Kept
from connectors.selection import UNDELIVERABLE
from connectors.sql.dialect import BAD, Decode
from connectors.sql.plain import PLAIN
from connectors.sql.statement import Statement
from connectors.sql.values import day_text

pytestmark = pytest.mark.fast

_VALUES: list[Any] = [
    *(None, 0, 1, -1, 2**70, True, False, 0.0, -0.0, 1.5, 1e308, math.inf, -math.inf, math.nan, "", "0", "1.50", "-.5", "1e5", "NaN"),
    *("Infinity", "2026-02-28", "2026-02-30", "2026-W01-1", "10-digits!", "20260228", "0000-01-01", BAD, "x" + BAD, "王", Decimal("1.5"), b"1"),
]


def same(left: Any, right: Any) -> bool:
    """Equal, of one type."""
    return type(left) is type(right) and (left == right or (left != left and right != right))


@pytest.mark.parametrize("decode", PLAIN, ids=lambda decode: decode.__name__)
def test_a_plain_column_is_what_its_decoder_makes_of_it(decode: Decode) -> None:
    chance, plain = random.Random(7), 0
    for _ in range(3000):
        values = [chance.choice(_VALUES)] * 3 if chance.random() < 0.5 else chance.choices(_VALUES, k=chance.randrange(1, 4))
        if PLAIN[decode](values):
            plain += 1
            assert all(value is None or same(decode(value), value) for value in values), values
    assert plain, "it says so of some columns at least"


@pytest.mark.parametrize("value", ["2026-W01-1", "20260228", "2026-02-30", "0000-01-01"])
def test_no_other_date_is_delivered_than_a_calendar_date(value: str) -> None:
    """Python takes ISO 8601's week dates and its form without hyphens as well, which are no GraphQL Date."""
    assert day_text(value) is UNDELIVERABLE
    assert not PLAIN[day_text]([value])
    assert not PLAIN[day_text](["2026-02-28", value])


@pytest.mark.parametrize("many", [1, 7, 8, 50])
@pytest.mark.parametrize("decode", PLAIN, ids=lambda decode: decode.__name__)
def test_rows_are_decoded_as_value_by_value(decode: Decode, many: int) -> None:
    chance = random.Random(many)
    statement = Statement("", (), ((1, decode),))
    for _ in range(200):
        kinds = chance.choices(_VALUES, k=chance.choice([1, 2, len(_VALUES)]))
        rows = [("a", chance.choice(kinds), "b") for _ in range(many)]
        expected = [(first, None if value is None else decode(value), last) for first, value, last in rows]
        made = statement.rows(list(rows))
        assert all(same(left, right) for row, wanted in zip(made, expected, strict=True) for left, right in zip(row, wanted, strict=True))
        assert [row[1] is UNDELIVERABLE for row in made] == [row[1] is UNDELIVERABLE for row in expected]


def test_what_is_asked_for_is_kept_and_the_rest_forgotten() -> None:
    kept: Kept[int, str] = Kept(10)
    for number in range(100):
        assert kept.get(0 if number else 1) == ("zero" if number else None)
        kept.keep(number, "zero" if number == 0 else str(number))
    assert kept.get(0) == "zero"
    assert kept.get(99) == "99"
    assert [number for number in range(1, 75) if kept.get(number) is not None] == []
