"""Every implementation of a mask gives the same text, and none shows more than its rule says (CLS: masks fail closed)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Integer, column
from sqlalchemy.dialects import sqlite

from masking import reference, words
from masking.generated import compile_mask
from masking.rules import Mask
from masking.sql import SQL_ALGORITHMS, masked
from tests.masking.cases import LABELS, addresses, golden, mask_of, statement, values


def in_sqlite(mask: Mask, contents: Sequence[object]) -> list[object]:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE value (position TEXT, content TEXT)")
        connection.executemany("INSERT INTO value VALUES (?, ?)", [(f"{place:04}", content) for place, content in enumerate(contents)])
        text, bound = statement(mask, sqlite.dialect(paramstyle="qmark"))
        answers = [row[0] for row in connection.execute(text, bound)]
    connection.close()
    return answers


@pytest.mark.fast
@pytest.mark.parametrize(("label", "value", "expected"), golden())
def test_golden_vector(label: str, value: str | None, expected: str | None) -> None:
    mask = mask_of(label)
    assert reference.apply(mask, value) == expected
    assert compile_mask(mask)(value) == expected
    assert in_sqlite(mask, [value]) == [expected]


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS)
@given(contents=st.lists(values, max_size=20))
def test_all_implementations_agree(label: str, contents: list[str | None]) -> None:
    mask = mask_of(label)
    expected = [reference.apply(mask, value) for value in contents]
    assert list(map(compile_mask(mask), contents)) == expected
    assert in_sqlite(mask, contents) == expected


@pytest.mark.fast
@given(value=values, first=st.integers(0, 99), last=st.integers(0, 99))
def test_keep_shows_at_most_its_two_ends(value: str | None, first: int, last: int) -> None:
    shown = reference.apply(Mask("KEEP_FIRST_N_LAST_M", (first, last)), value)
    if value is None or shown is None:
        return
    assert isinstance(shown, str)
    if len(value) <= first + last:
        assert set(shown) <= {"*"}
    else:
        stars = len(shown) - first - last
        assert 1 <= stars <= words.STAR_LIMIT
        assert shown == value[:first] + "*" * stars + value[len(value) - last :]


@pytest.mark.fast
@given(value=values)
def test_name_shows_at_most_a_surname(value: str | None) -> None:
    shown = reference.apply(mask_of("NAME"), value)
    if value and isinstance(shown, str):
        surname = shown.removesuffix("**")
        assert value.startswith(surname)
        assert len(surname) <= 1 or surname in words.COMPOUND_SURNAMES
        assert len(surname) < len(value)


@pytest.mark.fast
@given(value=addresses)
def test_address_shows_a_division_and_nothing_behind_it(value: str) -> None:
    shown = reference.apply(mask_of("ADDRESS_TO_DISTRICT"), value)
    assert isinstance(shown, str)
    kept = shown.removesuffix("****")
    assert len(kept) <= words.ADDRESS_HEAD
    assert value.startswith(kept)
    assert not kept or kept[-1] in "区县旗市"
    assert not any(word in kept for word in ("小区", "园区", "开发区", "大街", "中山路", "花园", "号", "村"))


@pytest.mark.fast
@pytest.mark.parametrize("label", [label for label in LABELS if not label.startswith("CONSTANT")])
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
        Mask("CONSTANT"),
        Mask("NAME", (1,)),
    ],
)
def test_a_rule_that_is_wrong_withholds(mask: Mask) -> None:
    assert reference.apply(mask, "raw") is None
    assert compile_mask(mask)("raw") is None
    assert in_sqlite(mask, ["raw"]) == [None]


@pytest.mark.fast
def test_sql_writes_every_algorithm() -> None:
    assert {mask_of(label).algorithm for label in LABELS} == SQL_ALGORITHMS
