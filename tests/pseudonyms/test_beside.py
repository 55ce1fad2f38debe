"""A pseudonym beside another item of the same column: whoever looks a value up would learn its pseudonym."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auth.decide import decide
from auth.rights import GrantItem, Shown
from masking.rules import parse_mask
from schema.model import Resource
from tests.schema.city import EVERY, PERSON, grant, item, rights

pytestmark = pytest.mark.fast
SCOPES = frozenset(f"{operation.scope_prefix}:{PERSON.code}" for operation in EVERY)


def is_key(resource: Resource, mask: str, shown: Shown) -> bool:
    """Whether the other item of the number's column, which the grant gives as key, is one."""
    terms = (GrantItem("id_number", Shown.MASKED, mask=parse_mask(mask)), GrantItem("number_again", shown, key=True))
    decision = decide(resource.policy, rights(grant(resource=resource.code, items=terms), scopes=SCOPES))
    assert decision is not None
    return decision.items["number_again"].usable_as_key


@pytest.mark.parametrize(
    ("mask", "column", "shown", "key"),
    [
        ("PSEUDONYM", "id", Shown.ABSENT, False),
        ("PSEUDONYM(census)", "id", Shown.ABSENT, False),
        ("PSEUDONYM", "ph", Shown.ABSENT, True),
        ("ID_NUMBER", "id", Shown.ABSENT, True),
        ("PSEUDONYM", "id", Shown.CLEAR, True),
    ],
)
def test_e7_another_item_of_a_pseudonyms_column_is_no_key_unless_it_is_seen_in_clear(mask: str, column: str, shown: Shown, key: bool) -> None:
    items = {**PERSON.items, "number_again": item("number_again", column)}
    assert is_key(replace(PERSON, items=items, identifiers=("id_number", "number_again")), mask, shown) is key
