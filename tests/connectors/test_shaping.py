"""Columns are masked as their single values would be, whoever masks them, and only batches of an exchange load Arrow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.calling import CALLING, Calling
from connectors.local import answer, answers
from connectors.selection import UNDELIVERABLE, Binding, Column, Kind, Row, Selection
from connectors.shaping import ARROW_ROWS, BY_ARROW, masked_column
from masking import reference
from tests.masking.cases import LABELS, mask_of, values


@pytest.fixture
def batch() -> Iterator[None]:
    """An exchange is under way."""
    token = CALLING.set(Calling("exchange", batch=True))
    yield
    CALLING.reset(token)


@pytest.mark.fast
@pytest.mark.parametrize("count", [0, 1, ARROW_ROWS - 1, ARROW_ROWS, 3 * ARROW_ROWS])
@pytest.mark.parametrize("label", [*LABELS, "MASK_FROM_3_TO_8"])
@pytest.mark.usefixtures("batch")
def test_a_batch_is_masked_as_its_values_are(label: str, count: int) -> None:
    some = ["52010219900517123X", None, "欧阳修", "𠮷田一郎", "", "贵州省贵阳市南明区花果园街道5号", "1990-05-17", "a\0b", "13885012345"]
    column = [some[place % len(some)] for place in range(count)]
    assert list(masked_column(mask_of(label), column)) == [reference.apply(mask_of(label), value) for value in column]


@pytest.mark.fast
@pytest.mark.usefixtures("batch")
@pytest.mark.parametrize("odd", [5, 5.5, True, "\ud800", UNDELIVERABLE])
def test_one_odd_value_does_not_change_the_others(odd: object) -> None:
    mask = mask_of("MASK_FROM_1_TO_1")
    assert mask.algorithm in BY_ARROW
    shown = list(masked_column(mask, [odd, *["abc"] * ARROW_ROWS]))  # type: ignore[list-item]
    assert shown[1:] == ["a*c"] * ARROW_ROWS
    if odd is UNDELIVERABLE:
        assert shown[0] is UNDELIVERABLE
    else:
        assert shown[0] is None


@pytest.mark.fast
@given(st.dictionaries(st.integers(0, 5), st.lists(st.tuples(st.integers(0, 3), values), max_size=4), max_size=4))
def test_groups_are_answered_as_each_by_itself(groups: dict[int, list[Row]]) -> None:
    columns = (Column("n", Kind.INTEGER), Column("text", Kind.STRING))
    selection = Selection(Binding("person"), (Column("n", Kind.INTEGER), Column("text", Kind.STRING, mask_of("NAME"))), limit="most")
    each = {key: answer(selection, {"most": 2}, columns, rows) for key, rows in groups.items()}
    assert answers(selection, {"most": 2}, columns, groups) == {key: rows for key, rows in each.items() if rows}


_PROGRAM = """
import sys
import connectors.registry, hub.exchange.runner, hub.app
from connectors.calling import CALLING, Calling
from connectors.shaping import ARROW_ROWS, masked_column
from masking.rules import parse_mask
column = ["13885012345"] * ARROW_ROWS
for batch in (False, True):
    CALLING.set(Calling("call", batch=batch))
    print(set(masked_column(parse_mask("PHONE"), column)), "pyarrow" in sys.modules)
"""


@pytest.mark.slow
def test_only_an_exchange_loads_arrow() -> None:
    shown = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines() == ["{'138****2345'} False", "{'138****2345'} True"]
