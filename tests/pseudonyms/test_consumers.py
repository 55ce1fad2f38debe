"""B8, E7, E11: what two consumers of one resource see cannot be put together, and nothing else that leaves names a person."""

from __future__ import annotations

import base64
import re

import pytest

from tests.pseudonyms.world import NUMBERS, OLD, World

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
TENANTS = "housing { tenants"
GUESSED = "440103198507071239"
"""In no register: an error may repeat what its caller wrote."""
SHAPE = re.compile(r"p1_[a-z2-7]{26}")


async def test_e11_one_number_is_another_pseudonym_for_another_consumer(world: World) -> None:
    seen = {name: await world.numbers(name) for name in ("alpha", "beta", "gamma", "epsilon")}
    each = [value for values in seen.values() for value in values]
    assert len(each) == len(set(each)) == 4 * len(NUMBERS)
    assert all(value is not None and SHAPE.fullmatch(value) for value in each)


async def test_e11_a_joint_project_is_one_consumer(world: World) -> None:
    assert await world.numbers("gamma") == await world.numbers("delta")


async def test_b8_no_consumer_can_join_its_pseudonyms_with_those_of_another(world: World) -> None:
    """Not even over another department's register, where the number is written otherwise."""
    names = ("alpha", "beta", "gamma", "epsilon")
    everything = {name: {*await world.numbers(name), *await world.numbers(name, TENANTS)} for name in names}
    assert all(len(values) == len(NUMBERS) for values in everything.values()), "one consumer joins the two registers"
    assert not any(everything[one] & everything[other] for one in names for other in names if one != other)


async def test_query_and_exchange_agree(world: World) -> None:
    exchanged, _ = await world.exchanged("alpha", "agree")
    asked = await world.numbers("alpha")
    assert (len(exchanged), set(exchanged)) == (len(asked), set(asked))


async def test_labels_are_those_of_the_grant_and_name_no_consumer(world: World) -> None:
    for name, label in (("beta", "PSEUDONYM"), ("gamma", "PSEUDONYM(census-2026)")):
        answer = await world.ask(name, "{ civilAffairs { persons { nodes { idNumber } } } }")
        assert answer["extensions"]["masking"] == {"civilAffairs.persons.nodes.idNumber": label}
        (access,) = world.ledger()[-1]["accesses"]
        assert [item for item in access["items"] if item["code"] == "id_number"] == [{"code": "id_number", "mask": f"{label}@1", "shown": "masked"}]


async def test_e7_pseudonyms_serve_no_look_up_filter_or_order(world: World) -> None:
    """Who could look a number up would learn its pseudonym, one call a number."""
    sdl = (await world.http.get("/graphql/schema.graphql", headers=world.headers("alpha"))).text
    kind = sdl[sdl.index("type CivilAffairsPerson ") :]
    assert set(re.findall(r"^  (\w+):", kind[: kind.index("}")], re.MULTILINE)) == {"idNumber", "town"}
    assert "person(" not in sdl
    for part in ('person(idNumber: "{}")', 'persons(where: {{idNumber: {{eq: "{}"}}}}) {{ nodes }}', "persons(orderBy: [{{idNumber: ASC}}]) {{ nodes }}"):
        text = part.format(GUESSED)
        text = text.replace("{ nodes }", "{ nodes { idNumber } }") if "nodes" in text else text + " { idNumber }"
        answer = await world.ask("alpha", f"{{ civilAffairs {{ {text} }} }}")
        assert answer["errors"][0]["extensions"]["code"] == "INVALID_DOCUMENT"


async def test_e7_no_identifier_cursor_or_key_of_a_row_leaves(world: World) -> None:
    """The stable key of these rows holds the number."""
    after, cursors = None, []
    for _ in NUMBERS:
        text = "query ($a: String) { civilAffairs { persons(first: 1, after: $a) { nodes { idNumber town } pageInfo { endCursor hasNextPage } } } }"
        page = (await world.ask("alpha", text, a=after))["data"]["civilAffairs"]["persons"]
        after = page["pageInfo"]["endCursor"]
        cursors.append(after)
    other = await world.ask("beta", text, a=cursors[0])
    assert other["errors"][0]["extensions"]["code"] == "BAD_INPUT", "a cursor is its caller's alone"
    await world.exchanged("alpha", "leaves")
    sent = b"\n".join(world.sent)
    decoded = [base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)) for part in re.findall(rb"[A-Za-z0-9_-]{16,}", sent) if len(part) % 4 != 1]
    for secret in (*NUMBERS, OLD, "key-", NUMBERS[0][6:14]):
        assert secret.encode() not in sent
        assert not any(secret.encode() in part for part in decoded)
