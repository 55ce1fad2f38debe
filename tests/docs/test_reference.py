"""Tables that follow from the code are as the code has them."""

from __future__ import annotations

import pytest

from tests.docs.pages import page
from tests.docs.reference import MARKED, TABLES

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("name", TABLES)
def test_table_is_as_the_code_has_it(name: str) -> None:
    """The table between the marks is the one that the code makes."""
    found = MARKED.search(page(f"docs/{name}"))
    assert found is not None
    assert found[0] == TABLES[name](), "write it anew: python -m tests.docs.reference"
