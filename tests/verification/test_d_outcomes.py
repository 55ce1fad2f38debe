"""D3, D4, D9: what an answer, its length, its entry, its work and the budgets tell of a subject is its outcome, and nothing else."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from tests.verification.world import KNOWN, LATELY, LONG_AGO, MANY, NAME, OTHER, UNKNOWN, VERIFY, Asked, World

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
ASKED = {"match": (KNOWN, NAME), "mismatch": (KNOWN, "张四"), "unknown": (UNKNOWN, NAME)}
_EACH_CALLS_OWN = {"call", "at", "trace", "ms"}


async def three(world: World, app: str) -> dict[str, Asked]:
    """A match, a mismatch and a subject that does not exist."""
    return {what: await world.verify(app, number, name=name) for what, (number, name) in ASKED.items()}


async def test_d3_whoever_does_not_exist_is_a_mismatch(world: World) -> None:
    hidden, disclosed = world.application("hidden"), world.application("disclosed", discloses_existence=True)
    found = await three(world, hidden)
    assert {what: answer.found["outcome"] for what, answer in found.items()} == {"match": "MATCH", "mismatch": "MISMATCH", "unknown": "MISMATCH"}
    same = [{**answer.found, "asOf": bool(answer.found["asOf"])} for answer in (found["mismatch"], found["unknown"])]
    assert same[0] == same[1]
    found = await three(world, disclosed)
    assert {what: answer.found["outcome"] for what, answer in found.items()} == {"match": "MATCH", "mismatch": "MISMATCH", "unknown": "NOT_FOUND"}


async def test_d3_rows_outside_the_grant_do_not_exist_and_count(world: World) -> None:
    app = world.application("outside", rows={"flat": {"eq": "0043"}}, discloses_existence=True)
    found = await world.ask(app, MANY, {"r": [{"subject": {"idNumber": KNOWN}, "claims": {"name": f"{NAME}{n}"}} for n in range(10)]})
    assert {each["outcome"] for each in found.found} == {"NOT_FOUND"}
    assert (await world.verify(app, name=NAME)).code == "VERIFICATION_BUDGET"


async def test_d9_every_outcome_has_a_body_of_one_length_and_the_same_headers(world: World) -> None:
    app = world.application("weigher", discloses_existence=True)
    found = await three(world, app)
    with world.without_register():
        found["down"] = await world.verify(app, name="张五")
    outcomes = [answer.found["outcome"] for answer in found.values()]
    assert outcomes == ["MATCH", "MISMATCH", "NOT_FOUND", "INDETERMINATE"]
    assert found["down"].found["asOf"] is None
    assert len({answer.length for answer in found.values()}) == 1, [(answer.found, answer.length) for answer in found.values()]
    assert len({(answer.status, *sorted(name for name in answer.headers)) for answer in found.values()}) == 1
    kept = [{name: value for name, value in answer.headers.items() if name != "content-length"} for answer in found.values()]
    assert kept[0] == kept[1] == kept[2] == kept[3]


async def test_d9_lists_with_aliases_and_names_are_of_one_length_too(world: World) -> None:
    app = world.application("lister", discloses_existence=True)
    text = """query ($r: [CivilAffairsPersonVerificationRequest!]!) { civilAffairs {
      a: verifyPersons(requests: $r) { __typename o: outcome p: outcome claims { __typename i: item x: outcome y: outcome } t: asOf }
      b: verifyPersons(requests: $r) { asOf } } }"""
    lengths = set()
    for number, name in ASKED.values():
        one = {"subject": {"idNumber": number}, "claims": {"name": name, "birthDate": "1949-12-31", "flat": "0042"}}
        lengths.add((await world.ask(app, text, {"r": [one, one]})).length)
    assert len(lengths) == 1


async def test_d9_what_holds_outcomes_is_not_packed(world: World) -> None:
    """An answer with introspection is packed for who takes gzip, and its length then tells what it holds."""
    app = world.application("packer")
    text = VERIFY.replace("{\n", "{ __schema { queryType { name } }\n", 1)
    found = [await world.ask(app, text, {"s": {"idNumber": KNOWN}, "c": {"name": name}}) for name in (NAME, "李四")]
    assert [answer.headers.get("content-encoding") for answer in found] == [None, None]
    assert found[0].length == found[1].length
    assert (await world.ask(app, "{ __schema { queryType { name } } }")).headers["content-encoding"] == "gzip"


async def test_d9_the_same_work_and_the_same_entry_for_every_outcome(world: World) -> None:
    app = world.application("watcher", rows={"flat": {"in": ["0042", "0043"]}})
    await world.verify(app, "11010119000101105X", name="warm")
    work, entries, counted = [], [], []
    for number, name in {**ASKED, "mismatch": (OTHER, NAME)}.values():
        world.statements.clear()
        world.counted.clear()
        before = len(world.entries())
        await world.verify(app, number, birthDate="1949-12-31", name=name)
        work.append(list(world.statements))
        counted.append(list(world.counted))
        (entry,) = [each for each in world.entries(before - 1) if each.content.kind == "call"]
        entries.append(entry.content)
    assert [len(each) for each in work] == [1, 1, 1]
    assert work[0] == work[1] == work[2]
    assert counted[0] == counted[1] == counted[2], "what is counted is counted by the same statements"
    assert len(counted[0]) == 5, "one looks early, one looks again, three write"
    shapes = [shape(entry) for entry in entries]
    assert shapes[0] == shapes[1] == shapes[2]
    assert (shapes[0]["rows"], shapes[0]["outcome"], [access["rows"] for access in shapes[0]["accesses"]]) == (0, "OK", [0])


def shape(draft: Any) -> dict[str, Any]:
    """An entry without what every call has of its own; of subjects how many, of a source's time nothing."""
    made = {each.name: getattr(draft, each.name) for each in fields(draft) if each.name not in _EACH_CALLS_OWN}
    accesses = [{each.name: getattr(access, each.name) for each in fields(access)} | {"subjects": len(access.subjects)} for access in draft.accesses]
    return {**made, "accesses": accesses, "sources": tuple(replace(state, ms=0, as_of=None) for state in draft.sources)}


async def test_d9_own_calls_tell_no_outcome(world: World) -> None:
    app = world.application("reader")
    await three(world, app)
    text = "{ calls(first: 3) { nodes { rows outcome code operation } } }"
    nodes = (await world.ask(app, text)).json["data"]["calls"]["nodes"]
    assert nodes == [{"rows": 0, "outcome": "OK", "code": None, "operation": "VERIFY"}] * 3


async def test_d9_the_receipt_has_the_same_members_and_no_more(world: World) -> None:
    app = world.application("keeper")
    found = [answer.json["extensions"] for answer in (await three(world, app)).values()]
    assert [sorted(each) for each in found] == [["receipt", "sources"]] * 3
    assert len({tuple(sorted(each["receipt"])) for each in found}) == 1


async def test_d4_which_claim_failed_is_told_where_granted_alone(world: World) -> None:
    told, untold = world.application("told"), world.application("untold", per_claim=False)
    answer = await world.verify(told, name=NAME, birthDate="1950-01-01", flat="0042")
    assert [claim["outcome"] for claim in answer.found["claims"]] == ["MATCH", "MISMATCH", "MATCH"]
    wrong = [{"name": "张四", "birthDate": "1949-12-31", "flat": "0042"}, {"name": NAME, "birthDate": "1950-01-01", "flat": "0042"}]
    found = [await world.verify(untold, **claims) for claims in wrong]
    assert [{**answer.found, "asOf": 0} for answer in found] == [{"outcome": "MISMATCH", "claims": None, "asOf": 0}] * 2
    assert found[0].length == found[1].length


async def test_d4_budget_and_errors_do_not_tell_which_claim_failed(world: World) -> None:
    """Whatever of the claims holds, the refusal is the same, and comes after as many."""
    refusals = []
    for name, right in (("first", "name"), ("second", "flat")):
        app = world.application(f"blind_{name}", per_claim=False)
        for number in range(10):
            claims = {"name": f"x{number}", "flat": f"x{number}"} | {right: NAME if right == "name" else "0042"}
            assert (await world.verify(app, **claims)).found["outcome"] == "MISMATCH"
        answer = await world.verify(app, name="x10", flat="x10")
        (error,) = answer.json["errors"]
        refusals.append((answer.status, error["message"], error["extensions"]["code"], error.get("path")))
    assert refusals[0] == refusals[1]
    assert not {"name", "flat"} & set(refusals[0][1].split())


async def test_deliveries_older_than_their_cycle_are_indeterminate(world: World) -> None:
    app = world.application("lodging")
    found = {}
    for resource, moment, outcome in (("Lodger", LATELY, "MATCH"), ("Guest", LONG_AGO, "INDETERMINATE")):
        answer = found[resource] = await world.verify(app, KNOWN, VERIFY.replace("Person", resource), name=NAME)
        assert answer.found == {"outcome": outcome, "claims": [{"item": "name", "outcome": outcome}], "asOf": moment.isoformat()}
        unknown = await world.verify(app, UNKNOWN, VERIFY.replace("Person", resource), name=NAME)
        assert (unknown.found["asOf"], unknown.length) == (moment.isoformat(), answer.length)
    states = [answer.json["extensions"]["sources"][0]["state"] for answer in found.values()]
    assert states == ["OK", "STALE"]
