"""Which lists a source writes as text, and which the hub keeps to itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.selection import Column, Kind, TextRows
from connectors.spi import Capabilities
from masking.rules import Mask
from schema.plan import ListPlan
from schema.rendered import SourceText, renderable, source_text, text_page
from tests.schema.city import city, grant, rights

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
KINDS = frozenset(Kind) - {Kind.FLOAT}


def capabilities(**changed: object) -> Capabilities:
    _, source = city()
    return replace(source.capabilities, renders=KINDS, masks=frozenset({"NAME", "NULL", "NUMBER_ROUND"}), **changed)  # type: ignore[arg-type]


def asked(text: str, **changed: object) -> SourceText | None:
    hub, _ = city()
    view = hub.view(rights(grant()))
    document = hub.documents.check(f"{{ civilAffairs {{ persons {{ {text} }} }} }}", view)
    plan = hub.plans.plan(view, document, document.operation(None), {}).departments["civilAffairs"].fields["persons"]
    assert isinstance(plan, ListPlan)
    return source_text(plan, capabilities(**changed))


def test_rows_of_one_place_are_written_with_their_keys_in_order() -> None:
    found = asked("totalCount nodes { b: name __typename a: name } pageInfo { hasNextPage }")
    assert found is not None
    assert [key for key, _ in found.form.fields] == ["b", "__typename", "a"]
    assert found.form.fields[1][1] == "CivilAffairsPerson"
    assert found.form.fields[0][1] == found.form.fields[2][1]
    assert any(column.name == found.shape.face.resource.stable_key for column in found.beside)
    assert all(column.mask is None for column in found.beside)


@pytest.mark.parametrize("text", ["a: nodes { name } b: nodes { name }", "edges { node { name } }", "nodes { name } edges { node { name } }", "totalCount"])
def test_other_places_are_the_hubs(text: str) -> None:
    assert asked(text) is None


def test_a_source_that_writes_nothing_is_not_asked() -> None:
    assert asked("nodes { name }") is not None
    _, source = city()
    assert source.capabilities.renders == frozenset()


@pytest.mark.parametrize(
    ("column", "writes"),
    [
        (Column("x", Kind.STRING), True),
        (Column("x", Kind.FLOAT), False),
        (Column("x", Kind.STRING, Mask("NAME")), True),
        (Column("x", Kind.STRING, Mask("PSEUDONYM")), False),
        (Column("x", Kind.INTEGER, Mask("NUMBER_ROUND", (10,))), False),
        (Column("x", Kind.FLOAT, Mask("NULL")), True),
    ],
)
def test_columns(column: Column, writes: bool) -> None:
    assert renderable(column, capabilities()) is writes


class Text:
    """A page of objects that are numbers."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def without_last(self, count: int) -> Text:
        return Text(*self.numbers[:-count])

    def written(self) -> bytes:
        return b",".join(b"%d" % number for number in self.numbers)


def test_the_row_that_tells_of_more_is_not_shown() -> None:
    page = text_page(TextRows([(1,), (2,), (3,)], Text(1, 2, 3)), 2)
    assert page is not None
    assert (len(page.rows), page.nodes) == (3, b"[1,2]")
    page = text_page(TextRows([(1,), (2,)], Text(1, 2)), 2)
    assert page is not None
    assert (len(page.rows), page.nodes) == (2, b"[1,2]")
    assert text_page(TextRows([], None), 2) is None
    assert text_page([(1,)], 2) is None
