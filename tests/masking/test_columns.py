"""Columns of Python values are masked as the reference masks each value, sound or not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masking import reference
from masking.columns import compile_column
from masking.rules import Mask
from tests.masking.cases import addresses, golden, mask_of, names, padded
from tests.masking.test_arrow import TEXT_RULES, masks, texts

_others = st.one_of(st.integers(), st.floats(), st.booleans(), st.sampled_from(["\ud800", "a\0b", "王\udfff明"]))


@pytest.mark.fast
@pytest.mark.parametrize("label", sorted({vector[0] for vector in golden()}))
def test_golden_vectors(label: str) -> None:
    pairs = [(value, expected) for other, value, expected in golden() if other == label]
    assert compile_column(mask_of(label))([value for value, _ in pairs]) == [expected for _, expected in pairs]
    sound = [(value, expected) for value, expected in pairs if "\0" not in (value or "")]
    assert compile_column(mask_of(label))([value for value, _ in sound]) == [expected for _, expected in sound]


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", TEXT_RULES)
@given(data=st.data(), contents=st.lists(st.one_of(texts, addresses, names, padded), max_size=20), odd=st.one_of(st.just([]), st.lists(_others, max_size=1)))
@settings(deadline=None)
def test_columns_equal_the_reference(algorithm: str, data: st.DataObject, contents: list[str | None], odd: list[object]) -> None:
    mask = data.draw(masks(algorithm))
    assert compile_column(mask)([*contents, *odd]) == [reference.apply(mask, value) for value in (*contents, *odd)]  # type: ignore[arg-type]


@pytest.mark.fast
@pytest.mark.parametrize("mask", [Mask("UNKNOWN"), Mask("KEEP_FIRST_N_LAST_M"), Mask("KEEP_FIRST_N_LAST_M", (-1, 1)), Mask("NAME", (1,))])
def test_a_rule_that_is_wrong_withholds(mask: Mask) -> None:
    assert compile_column(mask)(["raw", None, 5]) == [None, None, None]
