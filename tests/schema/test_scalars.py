"""Scalars: what callers may write, and what leaves."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLError

from schema.scalars import parse_bigint, parse_date, parse_datetime, parse_decimal, write_bigint

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("number", [0, -1, 2**53 - 1, 2**53, -(2**53)])
def test_safe_numbers_are_numbers(number: int) -> None:
    assert write_bigint(number) == number
    assert parse_bigint(number) == number


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)])
def test_numbers_beyond_2_to_53_are_text(number: int) -> None:
    assert write_bigint(number) == str(number)
    assert parse_bigint(str(number)) == number == parse_bigint(number)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, str(2**63), 10**38, 1.0, True, None, "", "1.0", "0x1", " 1", "1\n", "--1", [1]])
def test_no_bigint(value: Any) -> None:
    with pytest.raises(GraphQLError):
        parse_bigint(value)


@pytest.mark.parametrize("text", ["2026-11-22", "2000-02-29", "0001-01-01", "9999-12-31"])
def test_dates(text: str) -> None:
    assert parse_date(text) == text


@pytest.mark.parametrize("value", ["1900-02-29", "2026-13-01", "2026-11-2", "20261122", "2026-W01-1", "2026-11-22 ", "２０２６-11-22", 20261122, None, ""])
def test_no_date(value: Any) -> None:
    with pytest.raises(GraphQLError):
        parse_date(value)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-22T08:00:00+08:00", "2026-11-22T00:00:00+00:00"),
        ("2026-11-22T00:00:00Z", "2026-11-22T00:00:00+00:00"),
        ("2026-11-22T00:00:00.5Z", "2026-11-22T00:00:00.500000+00:00"),
    ],
)
def test_moments_are_turned_to_utc(text: str, utc: str) -> None:
    assert parse_datetime(text) == utc


@pytest.mark.parametrize(
    "value", ["2026-11-22T08:00:00", "2026-11-22", "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00", "x" * 41, 5, None], ids=lambda v: str(v)[:30]
)
def test_no_moment(value: Any) -> None:
    with pytest.raises(GraphQLError):
        parse_datetime(value)


@pytest.mark.parametrize(("value", "text"), [("12.50", "12.50"), ("-0.1", "-0.1"), (5, "5"), ("1" * 38, "1" * 38), ("0." + "1" * 38, "0." + "1" * 38)])
def test_decimals_are_exact_text(value: Any, text: str) -> None:
    assert parse_decimal(value) == text


@pytest.mark.parametrize("value", [12.5, True, "1e5", "NaN", "Infinity", "1.", ".5", "1" * 39, "", None])
def test_no_decimal(value: Any) -> None:
    with pytest.raises(GraphQLError):
        parse_decimal(value)


@pytest.mark.parametrize("parse", [parse_bigint, parse_date, parse_datetime, parse_decimal])
def test_messages_stay_short(parse: Any) -> None:
    with pytest.raises(GraphQLError) as error:
        parse("x" * 10_000)
    assert len(error.value.message) < 200
