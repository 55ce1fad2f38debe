"""Tables that follow from the code are as the code has them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from hub.sharing.machine import ACTS
from tests.docs.drawing import MACHINES, drawing
from tests.docs.pages import page
from tests.docs.reference import MARKED, TABLES

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("name", TABLES)
def test_table_is_as_the_code_has_it(name: str) -> None:
    """The table between the marks is the one that the code makes."""
    found = MARKED.search(page(f"docs/{name}"))
    assert found is not None
    assert found[0] == TABLES[name](), "write it anew: python -m tests.docs.reference"


@pytest.mark.parametrize("name", MACHINES)
def test_drawing_is_as_the_machine_has_it(name: str) -> None:
    """Every state and act stands in the picture, which loads and runs nothing."""
    text = page(f"docs/{name}.svg")
    assert text == drawing(name), "write it anew: python -m tests.docs.reference"
    assert f"({name}.svg)" in page("docs/sharing.md" if name.startswith("sharing") else "docs/feedback.md")
    parts = list(ElementTree.fromstring(text).iter())  # noqa: S314 - written just now by the code under test
    assert {part.tag.partition("}")[2] for part in parts} == {"svg", "title", "style", "defs", "marker", "path", "rect", "text"}
    assert not [value for part in parts for key, value in part.attrib.items() if "href" in key or key.startswith("on")]
    told = " ".join(part.text or "" for part in parts)
    machine = MACHINES[name]
    for wanted in (*machine.states, *(f"{ACTS[each.act]} {each.act}" for each in machine.transitions if each.sources)):
        assert wanted in told
