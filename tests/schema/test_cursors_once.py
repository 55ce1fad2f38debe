"""However often a document asks for the cursors of a page, each is sealed once, and each that is answered counts as a value."""

from __future__ import annotations

import pytest

from schema.faults import Code, Fault
from tests.schema.city import PERSONS, city, grant, rights

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
ASKING = rights(grant())


def cursors(count: int) -> str:
    return " ".join(f"c{i}: cursor" for i in range(count))


async def test_c6_cursors_by_many_names_are_sealed_once_for_each_row() -> None:
    hub, _ = city()
    answer = await hub.ask(
        ASKING, f"{{ civilAffairs {{ persons {{ a: edges {{ {cursors(9)} t: __typename }} b: edges {{ {cursors(9)} node {{ name }} }} }} }} }}"
    )
    found = answer.data["civilAffairs"]["persons"]
    assert len(hub.cursors.sealed) == len(PERSONS)
    assert [list(edge.values()) for edge in found["a"]] == [[cursor] * 9 + ["CivilAffairsPersonEdge"] for cursor in hub.cursors.sealed]
    assert [edge["node"]["name"] for edge in found["b"]] == [row["nm"] for row in PERSONS]


async def test_c6_cursors_are_values_of_the_answer() -> None:
    hub, source = city()
    lists = " ".join(f"l{i}: persons(first: 1000) {{ edges {{ {cursors(22)} }} }}" for i in range(19))
    with pytest.raises(Fault) as refused:
        await hub.ask(ASKING, f"{{ civilAffairs {{ {lists} }} }}")
    assert refused.value.code is Code.QUERY_BUDGET
    assert len(source.asked) < 19
