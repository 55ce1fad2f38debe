"""Whom a call concerns: a mapping of subjects kept by code, and rows that are named a column at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.selection import UNDELIVERABLE, Column, Row, Value
from masking.rules import Mask
from schema.model import Item, Resource
from schema.subjects import STABLE, Named, Naming, Subject, form
from schema.values import deliverable
from tests.schema.city import PERSON

pytestmark = pytest.mark.fast

TEXTS = st.sampled_from(
    [
        "11010519491231002X",
        "11010519491231002x",
        "110105491231002",
        " 110105491231002",
        "１１０１０５",
        "8613812345678",
        "008613812345678",
        "13812345678",
        "王  小明",
        "",
        "Ab",
        "\ud800",
    ]
)
VALUES: st.SearchStrategy[Value] = st.none() | TEXTS | st.integers() | st.just(UNDELIVERABLE)
VALIDATORS = (None, "resident_id", "uscc", "division", "mobile", "person_name")


def one_by_one(resource: Resource, outputs: Sequence[Column], rows: Sequence[Row]) -> Iterator[Subject]:
    """What naming means, written to be read."""
    for place, column in enumerate(outputs):
        if column.mask is not None:
            continue
        sound = [row[place] for row in rows if deliverable(row[place])]
        if column.name == resource.stable_key and column.kind is resource.stable_kind:
            yield from ((STABLE, value) for value in sound)
        else:
            for item in resource.identifying.get(column.name, ()):
                if item.kind is column.kind:
                    yield from ((item.code, form(item, value)) for value in sound if value is not None)


def identified(validator: str | None) -> Resource:
    """Persons whose number is of this kind."""
    items: dict[str, Item] = {code: replace(item, validator=validator) if code == "id_number" else item for code, item in PERSON.items.items()}
    return replace(PERSON, items=items)


@given(st.sampled_from(VALIDATORS), st.lists(st.tuples(VALUES, VALUES), max_size=6), st.booleans())
def test_rows_are_named_as_one_by_one(validator: str | None, rows: list[tuple[Value, Value]], masked: bool) -> None:
    resource = identified(validator)
    number = resource.items["id_number"]
    mask = Mask("KEEP_FIRST_N_LAST_M", (3, 4)) if masked else None
    outputs = (Column(resource.stable_key, resource.stable_kind), Column(number.column, number.kind, mask))
    named = Named()
    for _ in range(2):
        Naming(resource, outputs).note(rows, named)
    expected = dict.fromkeys(one_by_one(resource, outputs, rows))
    assert named == expected
    assert list(named) == [*expected]
    assert len(named) == len(expected)


def test_subjects_are_a_mapping() -> None:
    named = Named()
    named["id_number", "1"] = None
    named.update({("#", 7): None, ("id_number", "2"): None})
    named.add("#", [7, 8])
    assert list(named) == [("id_number", "1"), ("id_number", "2"), ("#", 7), ("#", 8)]
    assert ("#", 8) in named
    assert ("#", 9) not in named
    assert ("phone", 9) not in named
    del named["#", 7]
    assert named == {("id_number", "1"): None, ("id_number", "2"): None, ("#", 8): None}
    named.clear()
    assert not named
    assert named == {}
