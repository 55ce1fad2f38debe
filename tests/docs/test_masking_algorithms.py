"""The table of masking algorithms: every label and algorithm, with examples that hold."""

from __future__ import annotations

import pytest

from masking import reference
from masking.rules import NAMES, parse_mask
from masking.vocabulary import ALGORITHMS
from tests.docs.pages import page, section, tables

pytestmark = pytest.mark.fast
SECTION = section(page("docs/masking.md"), "## 算法 Algorithms")
ROWS = [[cell.strip("`") for cell in row] for row in tables(SECTION)[0][1:]]


@pytest.mark.parametrize("row", [row for row in ROWS if row[2]], ids=lambda row: str(row[0]))
def test_examples(row: list[str]) -> None:
    mask = parse_mask(row[0])
    assert mask is not None
    assert reference.apply(mask, row[2]) == (None if row[3] == "null" else row[3])


def test_every_algorithm_and_its_properties_are_named() -> None:
    told = {row[1].partition("`")[0] for row in ROWS}
    assert told == set(ALGORITHMS)
    assert [name for name in NAMES if "_<n>_<m>" in name and name[:4] not in ("KEEP", "MASK") and f"`{name}`" not in SECTION] == []
    properties = {each.name.replace("_", "-") for algorithm in ALGORITHMS.values() for each in algorithm.properties}
    assert [name for name in properties if f"`{name}`" not in SECTION] == []
