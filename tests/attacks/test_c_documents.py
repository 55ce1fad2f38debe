"""Attacks C1 to C7 and C11 to C13 on documents: each is refused, or answered, within the stated budget of counted work."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from schema.answer import Answer
from schema.faults import Code, Fault
from tests.schema.city import city
from tests.schema.worst import ASKING, MOST_CALLS, Calls, work

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

REFUSED = {"QUERY_BUDGET", "INVALID_DOCUMENT"}


async def _refused(*documents: str, codes: set[str] = REFUSED, most: int = MOST_CALLS) -> None:
    """Each is refused with one of these codes, and asks no source anything."""
    for document in documents:
        hub, source = city()
        with Calls() as counted, pytest.raises(Fault) as refused:
            await hub.ask(ASKING, document)
        assert refused.value.code.value in codes, document[:200]
        assert counted.count <= most, document[:200]
        assert source.asked == []


async def _codes(asked: Awaitable[Answer]) -> list[Code]:
    """Codes of an answer's errors, or that of its refusal."""
    try:
        return [error.fault.code for error in (await asked).errors]
    except Fault as fault:
        return [fault.code]


def spreading(count: int, on: str = "Query", leaf: str = "__typename") -> str:
    """Each fragment spreads the next one twice."""
    return "\n".join(f"fragment F{i} on {on} {{ ...F{i + 1} ...F{i + 1} }}" for i in range(count)) + f"\nfragment F{count} on {on} {{ {leaf} }}"


async def test_c1_fragments_that_double() -> None:
    """2^45 fields out of a few hundred bytes cost less than a page of text."""
    await _refused("{ ...F0 } " + spreading(45), codes={"QUERY_BUDGET"}, most=100_000)
    inner = "{ civilAffairs { persons { nodes { ...F0 } } } } " + spreading(45, "CivilAffairsPerson", "name")
    await _refused(inner, codes={"QUERY_BUDGET"}, most=100_000)


async def test_c2_a_tree_of_aliases() -> None:
    parts = "\n".join(f"fragment A{i} on Query {{ a: civilAffairs {{ ...A{i + 1} }} b: civilAffairs {{ ...A{i + 1} }} }}" for i in range(40))
    await _refused(f"{{ ...A0 }} {parts} fragment A40 on Query {{ __typename }}", codes={"QUERY_BUDGET"}, most=100_000)


async def test_c3_circles_unknown_fragments_and_operations() -> None:
    await _refused(
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ ...Missing }",
        "{ __typename } { hub }",
        " ".join(f"query Q{i} {{ __typename }}" for i in range(1000)),
        "fragment A on Query { __typename }",
    )
    with pytest.raises(Fault) as refused:
        await city()[0].ask(ASKING, "query A { __typename } query B { __typename }")
    assert refused.value.code is Code.BAD_REQUEST


async def test_c4_ten_thousand_of_everything() -> None:
    await _refused(
        "{ " + "__typename " * 10_000 + "}",
        "{ " + " ".join(f"a{i}: __typename" for i in range(10_000)) + " }",
        "{ __typename " + "@skip(if: false) " * 10_000 + "}",
        "{ __typename " + "@unknown " * 10_000 + "}",
        "query (" + " ".join(f"$v{i}: Int" for i in range(5_000)) + ") { __typename }",
        "{ " + "__typename " * 1_400 + "}",
        "{ __typename " + "@include(if: true) " * 400 + "}",
        most=400_000,
    )


async def test_c5_depth_by_every_way() -> None:
    link = "{ household { __typename } ... on CivilAffairsPerson { household " * 9
    await _refused(
        "{ civilAffairs { persons { nodes " + "{ household " * 9 + "{ __typename }" + " }" * 9 + " } } }",
        "{ civilAffairs { persons { nodes " + link + "{ __typename }" + " } }" * 9 + " } } }",
        "{ civilAffairs " + "{ a " * 5_00 + "}" * 500 + " }",
        "{ " + "... on Query { " * 2000 + "__typename" + " }" * 2000 + " }",
        "{ civilAffairs { persons(where: " + "{and: [" * 300 + "]}" * 300 + ") { nodes { name } } } }",
        "{ ...D0 } " + " ".join(f"fragment D{i} on Query {{ civilAffairs {{ ... {{ ...E{i} }} }} }}" for i in range(3)),
    )


async def test_c6_list_multipliers() -> None:
    hub, source = city()
    for first in ("1000000000", "-1", "0", "1001"):
        answer = await hub.ask(ASKING, f"{{ civilAffairs {{ persons(first: {first}) {{ nodes {{ name }} }} }} }}")
        assert [error.fault.code for error in answer.errors] == [Code.BAD_INPUT]
    await _refused("{ civilAffairs { persons(first: 99999999999999999999) { nodes { name } } } }")
    many = " ".join(f"l{i}: persons(first: 1000) {{ nodes {{ name }} }}" for i in range(30))
    with pytest.raises(Fault) as refused:
        await hub.ask(ASKING, f"{{ civilAffairs {{ {many} }} }}")
    assert refused.value.code is Code.QUERY_BUDGET
    asked = sum(1 for each in source.asked)
    assert asked <= 20, "lists beyond the allowance of rows are not read"


async def test_c7_introspection_without_end() -> None:
    deep = "{ fields { type " * 12 + "{ name }" + " } }" * 12
    await _refused(
        "{ __schema { types " + deep + " } }",
        "{ " + " ".join("__schema { queryType { name } }" for _ in range(3)) + " }",
        "{ " + " ".join(f's{i}: __type(name: "Query") {{ name }}' for i in range(20)) + " }",
        '{ __type(name: "CivilAffairsPerson") { fields { type { fields { type { fields { type { fields { name } } } } } } } } }',
    )


async def test_c11_deferred_streamed_and_subscribed() -> None:
    await _refused(
        "subscription { civilAffairs { __typename } }",
        "{ civilAffairs { ... @defer { persons { nodes { name } } } } }",
        "{ civilAffairs { persons { nodes @stream { name } } } }",
        "query { __typename } subscription S { __typename }",
        codes={"INVALID_DOCUMENT"},
    )


async def test_c12_long_texts_comments_and_escapes() -> None:
    await _refused(
        "# x\n" * 15_000 + "{ __typename }",
        "{ nothing" + "\\u0041" * 5_000 + " }",
        '{ civilAffairs { person(idNumber: """' + "x" * 60_000 + '""") { nme } } }',
        '{ civilAffairs { person(idNumber: "' + "\\u{110000}" + '") { name } } }',
    )
    calls, code = await work('{ civilAffairs { person(idNumber: "' + "\\u4e00" * 9_000 + '") { name } } }', {})
    assert (code, calls <= MOST_CALLS) == ("BAD_INPUT", True)


async def test_c13_patterns_are_no_patterns_and_lists_of_values_end() -> None:
    hub, _ = city()
    for text in ("%a%b%c%d%e%f", "_" * 50, "(a+)+$", "a" * 5_000, "%", "\\", "[", "*"):
        answer = await hub.ask(ASKING, "query ($t: String!) { civilAffairs { persons(where: {name: {startsWith: $t}}) { nodes { name } } } }", {"t": text})
        assert [error.fault.code for error in answer.errors] == ([Code.BAD_INPUT] if len(text) > 1_000 else [])
        assert answer.data["civilAffairs"] is None or answer.data["civilAffairs"]["persons"]["nodes"] == []
    among = "query ($v: [String!]) { civilAffairs { persons(where: {district: {in: $v}}) { nodes { name } } } }"
    assert await _codes(hub.ask(ASKING, among, {"v": [str(number) for number in range(10_000)]})) == [Code.BAD_INPUT]
    several = " ".join(f"l{i}: persons(where: {{district: {{in: $v}}}}) {{ totalCount }}" for i in range(6))
    document = f"query ($v: [String!]) {{ civilAffairs {{ {several} }} }}"
    assert await _codes(hub.ask(ASKING, document, {"v": [str(number) for number in range(1_000)]})) == [Code.QUERY_BUDGET]


INJECTIONS = ("' OR 1=1 --", "'; DROP TABLE person; --", '" OR ""="', "') UNION SELECT id FROM person --", "\\' OR 1=1", "1 OR 1=1", "${jndi:x}", "{{7*7}}")


@pytest.mark.parametrize("hostile", INJECTIONS)
async def test_c15_sql_in_every_scalar_name_and_enum(hostile: str) -> None:
    """As a value it finds nothing; as a name, an alias, an enum or a direction it is no document."""
    hub, source = city()
    for where in ({"name": {"eq": hostile}}, {"district": {"in": [hostile]}}, {"not": {"name": {"ne": hostile}}}):
        answer = await hub.ask(ASKING, "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w) { nodes { name } } } }", {"w": where})
        assert answer.data["civilAffairs"]["persons"]["nodes"] == []
    asked = len(source.asked)
    for document, variables in (
        ("query ($i: String!) { civilAffairs { person(idNumber: $i) { name } } }", {"i": hostile}),
        ("query ($d: Direction) { civilAffairs { persons(orderBy: [{name: $d}]) { nodes { name } } } }", {"d": hostile}),
        ("query ($a: String) { civilAffairs { persons(after: $a) { nodes { name } } } }", {"a": hostile}),
        ("query ($b: Date) { civilAffairs { persons(where: {birthDate: {lt: $b}}) { nodes { name } } } }", {"b": hostile}),
    ):
        assert await _codes(hub.ask(ASKING, document, variables)) == [Code.BAD_INPUT], document
    assert len(source.asked) == asked
    await _refused(
        f"{{ civilAffairs {{ persons {{ nodes {{ {hostile}: name }} }} }} }}",
        f"{{ civilAffairs {{ persons(orderBy: [{{{hostile}: ASC}}]) {{ nodes {{ name }} }} }} }}",
    )
