"""A column that one item masks, denies or marks sensitive is not shown in clear by another item of its resource."""

from __future__ import annotations

import pytest

from hub.catalog.checks import check_manifest
from hub.catalog.manifest import read_manifest
from tests.catalog.small import changed

pytestmark = pytest.mark.fast

AGAIN = """
[[resources.items]]
code = "again"
name = "再次"
type = "string"
column = "id"
"""


def with_again(more: str, own: str = 'mask = {share = "NAME"}', column: str = "id") -> str:
    """The small manifest with a second item of its identifier's column."""
    again = AGAIN.replace('"id"', f'"{column}"') + more
    return changed('mask = {share = "NAME"}', own, changed("[[resources.links]]", again + "\n[[resources.links]]"))


def problems(text: str) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.path) for problem in check_manifest(read_manifest(text), text)]


TWICE = [("COLUMN_TWICE", "resources[0].items[2].column")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (with_again(""), TWICE),
        (with_again("", own='marks = ["sensitive"]'), TWICE),
        (with_again("", own='mask = {share = "DENY"}'), TWICE),
        (with_again('mask = {open = "DENY"}'), TWICE),
        (with_again('mask = {share = "PHONE"}', own=""), [("COLUMN_TWICE", "resources[0].items[0].column")]),
        (with_again("", own=""), []),
        (with_again("", own='mask = {open = "DENY"}'), []),
        (with_again("", column="other"), []),
        (with_again('marks = ["sensitive"]'), []),
        (with_again('mask = {share = "DENY"}'), []),
        (with_again('mask = {share = "KEEP_FIRST_0_LAST_1"}'), []),
        (with_again('sharing_class = "NOT_SHARED"'), []),
    ],
)
def test_a_column_that_one_item_masks_is_not_shown_in_clear_by_another(text: str, told: list[tuple[str, str]]) -> None:
    assert problems(text) == told


def test_what_is_masked_for_opening_alone_is_not_opened_by_another_item() -> None:
    text = with_again("", own='mask = {open = "DENY"}')
    for old, new in (('"INTERNAL"', '"PUBLIC"'), ('"CONDITIONAL"', '"UNCONDITIONAL"'), ('"CLOSED"', '"OPEN"')):
        text = changed(old, new, text)
    assert problems(text) == TWICE
