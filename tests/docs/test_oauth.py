"""The line-by-line table of RFC 9700, and the pages on tokens, against the code."""

from __future__ import annotations

import pytest

from auth import assertion, dpop
from auth.claims import MAX_LIFETIME
from hub.cli.keys import _AFTER
from tests.docs.named import missing, named
from tests.docs.pages import page, section, tables

pytestmark = pytest.mark.fast
ROWS = tables(section(page("docs/oauth.md"), "## RFC 9700 line by line 逐条对照"))[0][1:]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS])
def test_each_line_names_tests_that_exist(row: list[str]) -> None:
    assert named(row[3]), row
    assert missing(row[3]) == []


def test_every_section_that_applies_has_a_line() -> None:
    told = {part.strip() for row in ROWS for part in row[0].split(",")}
    wanted = {"2.1", "2.1.1", "2.1.2", "2.2.1", "2.2.2", "2.3", "2.4", "2.5", "2.6", *(f"4.{number}" for number in (*range(1, 17),))}
    assert wanted <= told


def test_numbers_and_algorithms_are_those_of_the_code() -> None:
    text = page("docs/oauth.md")
    assert f"at most {assertion.LIFETIME} seconds" in text
    assert f"at most {dpop.MAX_AGE} seconds old" in text
    assert MAX_LIFETIME == 600
    assert "good for ten minutes" in text
    for algorithm in {*assertion.ALGORITHMS, *dpop.ALGORITHMS}:
        assert f"`{algorithm}`" in text
    assert f"signs {_AFTER // 60} minutes later" in page("docs/runbooks/rotate-keys.md")
