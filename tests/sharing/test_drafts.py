"""A grant of the wrong shape is refused with the place of each fault, and never ends in a traceback."""

from __future__ import annotations

from typing import Any

import pytest

from hub.catalog.problems import Refused
from hub.sharing.drafts import check_draft

pytestmark = pytest.mark.fast

GOOD: dict[str, Any] = {
    "application": "housing",
    "resource": "civil_affairs.person",
    "operations": ["QUERY"],
    "items": [{"code": "name", "value": "CLEAR"}],
    "purposes": [{"code": "p", "scenario": "s", "basis": "b"}],
    "approver": "甲",
}


def test_what_has_the_shape_passes() -> None:
    check_draft(GOOD)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"quota": 5}, "quota"),
        ({"quota": {"calls": "5", "per": "DAY"}}, "quota.calls"),
        ({"max_page": "x"}, "maxPage"),
        ({"documents": [5]}, "documents[0]"),
        ({"items": ["x"]}, "items[0]"),
        ({"items": [{"code": "name", "value": "VISIBLE"}]}, "items[0].value"),
        ({"per_claim": "no"}, "perClaim"),
        ({"valid_to": "2027"}, "validTo"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_every_fault_has_its_place(wrong: dict[str, Any], path: str) -> None:
    with pytest.raises(Refused) as refused:
        check_draft({**GOOD, **wrong})
    assert path in {problem.path for problem in refused.value.problems}
