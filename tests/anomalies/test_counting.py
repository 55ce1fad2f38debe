"""What an application did in an hour: of one resource and of all, whatever the order in which resources come."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.anomalies.counting import ApplicationHour
from hub.ledger.canonical import record, seal
from tests.ledger.build import make_draft

pytestmark = pytest.mark.fast


def entry_of(taken: dict[str, list[int]]) -> dict[str, Any]:
    """An entry that took these persons of each resource."""
    draft = make_draft()
    accesses = tuple(
        replace(draft.accesses[0], resource=resource, rows=len(people), subjects=tuple(random.Random(n).randbytes(16).hex() for n in people))
        for resource, people in taken.items()
    )
    made: dict[str, Any] = orjson.loads(seal(record(replace(draft, accesses=accesses), "log"), 1, "0" * 64))
    return made


@settings(max_examples=40)
@given(st.lists(st.dictionaries(st.sampled_from(["a.a", "a.b", "a.c"]), st.lists(st.integers(0, 900), max_size=400, unique=True)), max_size=12))
def test_subjects_are_counted_once_for_a_resource_and_once_for_all(calls: list[dict[str, list[int]]]) -> None:
    hour, known = ApplicationHour(), dict[str, set[int]]()
    for number, taken in enumerate(calls):
        hour.add(number, entry_of(taken))
        for resource, people in taken.items():
            known.setdefault(resource, set()).update(people)
        assert {resource: counts.values()["subjects"] for resource, counts in hour.resources.items()} == {each: len(people) for each, people in known.items()}
        assert hour.whole.values()["subjects"] == len(set().union(*known.values()))
