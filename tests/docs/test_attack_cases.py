"""The table of attack cases: every case of three groups is there, and each names tests that exist."""

from __future__ import annotations

import re

import pytest

from tests.docs.named import missing, named
from tests.docs.pages import page

pytestmark = pytest.mark.fast
CASES = [*(f"A{number}" for number in range(1, 19)), *(f"B{number}" for number in range(1, 12)), *(f"G{number}" for number in range(1, 6))]


def _rows() -> dict[str, str]:
    text = page("docs/attack-cases.md")
    return {found[1]: found[0] for found in re.finditer(r"^\| ([ABG]\d+) \|.*$", text, re.MULTILINE)}


def test_every_case_has_its_row() -> None:
    assert list(_rows()) == CASES


@pytest.mark.parametrize("case", CASES)
def test_the_tests_of_a_case_exist(case: str) -> None:
    row = _rows()[case]
    assert named(row), f"{case} names no test"
    assert missing(row) == []
