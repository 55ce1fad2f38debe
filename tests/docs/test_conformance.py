"""``docs/conformance.md`` shows the kit as it is: every behaviour, every connector."""

from __future__ import annotations

import pytest

from tests.connectors import test_conformance, test_conformance_aggregates, test_conformance_load, test_conformance_streams
from tests.connectors.stands import stands
from tests.docs.pages import page, section, tables

pytestmark = pytest.mark.fast
PAGE = page("docs/conformance.md")


def _behaviours() -> set[str]:
    kit = (test_conformance, test_conformance_aggregates, test_conformance_load, test_conformance_streams)
    functions = [each for module in kit for each in vars(module).values()]
    marks = [mark for function in functions for mark in getattr(function, "pytestmark", []) if callable(function) and mark.name == "behaviour"]
    return {" ".join(mark.args) for mark in marks}


def test_the_table_is_of_this_kit() -> None:
    """A behaviour or a connector that came or went since the published run."""
    head, *rows = tables(section(PAGE, "## 行为 Behaviours"))[0]
    assert head[1:] == [stand.name for stand in stands()]
    assert {row[0] for row in rows} == _behaviours()
    assert all(cell == "—" or cell.startswith("✓ ") for row in rows for cell in row[1:])
