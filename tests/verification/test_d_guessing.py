"""D1, D2, D6, D8: guesses are counted over every way in which a department can ask, and are refused before the source is."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from stdnum.cn import ric
from structlog.testing import capture_logs

from tests.verification.world import KNOWN, MANY, NAME, UNKNOWN, VERIFY, World

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
START = """mutation ($input: StartExchangeInput!) { startExchange(input: $input) { exchange { id } } }"""


def request(claim: str, number: str = KNOWN) -> dict[str, Any]:
    return {"subject": {"idNumber": number}, "claims": {"name": claim}}


def guesses(name: str, count: int) -> list[dict[str, Any]]:
    return [request(f"{name}{number}") for number in range(count)]


async def test_d1_ten_thousand_claims_by_every_way_end_after_ten(world: World) -> None:
    apps = [world.application(f"guesser_{number}", "water") for number in range(3)]
    answered: Counter[str] = Counter()
    with capture_logs() as logs:
        for number in range(6):
            answered[(await world.verify(apps[number % 3], name=f"one{number}")).code] += 1
        aliases = " ".join(f'a{n}: verifyPerson(subject: {{idNumber: "{KNOWN}"}}, claims: {{name: "alias{n}"}}) {{ outcome }}' for n in range(4))
        answered[(await world.ask(apps[1], f"{{ civilAffairs {{ {aliases} }} }}")).code] += 4
        world.token(apps[0])
        asked = len(world.statements)
        for number in range(100):
            guessed = [request(f"list{number}-{each}") for each in range(100)]
            answered[(await world.ask(apps[number % 3], MANY, {"r": guessed})).code] += 100
    assert answered == {"OK": 10, "VERIFICATION_BUDGET": 10_000}
    assert len(world.statements) == asked, "whoever is over a budget costs the source nothing"
    told = [log for log in logs if log["event"] == "verification_budget_used_up"]
    assert [(log["department"], log["resource"], log["budget"]) for log in told] == [("water", "civil_affairs.person", "claims_day")]
    refusal = world.entries()[-1].content
    assert (refusal.kind, refusal.code) == ("deny", "VERIFICATION_BUDGET")
    subject = world.core.subjects.name("id_number", KNOWN)
    assert refusal.details == {"alert": True, "budget": "claims_day", "resource": "civil_affairs.person", "subject": subject}
    known = await world.verify(apps[2], name="one3")
    assert known.found["outcome"] == "MISMATCH", "the same claim again is free"


async def test_d1_one_call_over_the_budget_gives_no_outcome_at_all(world: World) -> None:
    app = world.application("greedy")
    asked = len(world.statements)
    answer = await world.ask(app, MANY, {"r": guesses("g", 11)})
    assert (answer.status, answer.code, answer.json.get("data"), "retry-after" in answer.headers) == (429, "VERIFICATION_BUDGET", None, True)
    assert len(world.statements) == asked
    assert (await world.ask(app, MANY, {"r": guesses("g", 10)})).code == "OK", "what was refused is not counted"


async def test_d1_a_refusal_says_when_to_ask_again(world: World) -> None:
    app = world.application("patient")
    assert (await world.ask(app, MANY, {"r": guesses("p", 10)})).code == "OK"
    answer = await world.ask(app, VERIFY, {"s": {"idNumber": KNOWN}, "c": {"name": "one more"}})
    error = answer.json["errors"][0]["extensions"]
    assert (error["retryable"], 0 < error["retryAfter"] <= 86_400) == (False, True)
    assert answer.headers["retry-after"] == str(error["retryAfter"])


async def test_d1_verification_is_no_exchange(world: World) -> None:
    app = world.application("exporter")
    document = f'{{ civilAffairs {{ verifyPerson(subject: {{idNumber: "{KNOWN}"}}, claims: {{name: "x"}}) {{ outcome }} }} }}'
    asked = len(world.statements)
    answer = await world.ask(app, START, {"input": {"document": document, "format": "CSV", "idempotencyKey": "d1"}})
    assert answer.code == "BAD_INPUT"
    assert len(world.statements) == asked
    persons = {"document": "{ civilAffairs { persons { nodes { name } } } }", "format": "CSV", "idempotencyKey": "d1b"}
    assert (await world.ask(app, START, {"input": persons})).code == "OK", "what is refused is the verification"


async def test_d6_spellings_are_one_claim_and_what_is_invalid_counts(world: World) -> None:
    app = world.application("speller")
    for spelling in (NAME, f" {NAME}", f"{NAME}　"):
        assert (await world.verify(app, name=spelling)).found["outcome"] == "MATCH"
    for number in range(9):
        answer = await world.verify(app, name=None if number == 0 else f"\0{number}")
        assert answer.code == "BAD_INPUT", answer.json
    assert (await world.verify(app, name="eleventh")).code == "VERIFICATION_BUDGET"
    assert (await world.verify(app, name="\0new")).code == "VERIFICATION_BUDGET"
    assert (await world.verify(app, name=NAME)).found["outcome"] == "MATCH"


async def test_d6_claims_about_nobody_count_alike(world: World) -> None:
    app = world.application("shadow")
    assert (await world.ask(app, MANY, {"r": [request(f"x{n}", UNKNOWN) for n in range(10)]})).code == "OK"
    assert (await world.verify(app, UNKNOWN, name="x10")).code == "VERIFICATION_BUDGET"


async def test_d8_a_hundred_concurrent_claims_get_ten_answers(world: World) -> None:
    apps = [world.application(f"racer_{number}", "racing") for number in range(4)]
    await world.ask(apps[0], "{ __typename }")
    done = await asyncio.gather(*(world.verify(apps[n % 4], name=f"race{n}") for n in range(100)))
    assert Counter(each.code for each in done) == {"OK": 10, "VERIFICATION_BUDGET": 90}
    assert (await world.verify(apps[0], name="after")).code == "VERIFICATION_BUDGET"


async def test_d2_one_claim_about_each_of_many(world: World) -> None:
    """The subjects exist nowhere, so that nothing matches; from the hundredth on the share is looked at."""
    app = world.application("harvester")
    made = [request("张伟", valid_number(n)) for n in range(101)]
    assert (await world.ask(app, MANY, {"r": made[:99]})).code == "OK"
    assert (await world.ask(app, MANY, {"r": made[99:100]})).code == "OK"
    refused = await world.ask(app, MANY, {"r": made[100:101]})
    assert refused.code == "VERIFICATION_BUDGET"
    assert world.entries()[-1].content.details["budget"] == "mismatches_day"
    assert (await world.verify(app, name=NAME)).code == "VERIFICATION_BUDGET", "known subjects too, until the next day"
    other = world.application("sower")
    assert (await world.verify(other, name=NAME)).code == "OK"
    await look_up_in_vain(world, other)


async def test_d2_an_outage_gives_no_credit(world: World) -> None:
    """Whom no source compared counts as a subject when one does: their claims are counted at once, and neither refuses the other."""
    app = world.application("looter")
    made = [request("张伟", valid_number(2000 + n)) for n in range(101)]
    with world.without_register():
        found = await world.ask(app, MANY, {"r": made[:100]})
    assert {each["outcome"] for each in found.found} == {"INDETERMINATE"}
    assert (await world.ask(app, MANY, {"r": made[:99]})).code == "OK"
    assert (await world.ask(app, MANY, {"r": made[99:100]})).code == "OK"
    assert (await world.ask(app, MANY, {"r": made[100:]})).code == "VERIFICATION_BUDGET"
    assert world.entries()[-1].content.details["budget"] == "mismatches_day"


async def look_up_in_vain(world: World, app: str) -> None:
    """Hits write and ask nothing of what is counted; misses do, and end after a hundred."""
    one = "{{ civilAffairs {{ {} }} }}"
    fields = " ".join(f'a{n}: person(idNumber: "{valid_number(n)}") {{ name }}' for n in range(10))
    hit = one.format(f'person(idNumber: "{KNOWN}") {{ name }}')
    assert (await world.ask(app, hit)).code == "OK"
    world.counted.clear()
    for _ in range(20):
        assert (await world.ask(app, hit)).found == {"name": NAME}
    assert world.counted == [], "the way of hits is free"
    for _ in range(10):
        assert (await world.ask(app, one.format(fields))).code == "OK"
    asked = len(world.statements)
    assert [(await world.ask(app, text)).code for text in (one.format(fields), hit)] == ["VERIFICATION_BUDGET"] * 2
    assert len(world.statements) == asked
    assert world.entries()[-1].content.details["budget"] == "misses_day"


def valid_number(serial: int) -> str:
    """A resident ID number that nobody in the register has; those of serials in a row are in no sequence, for which an application is slowed down."""
    born = date(1950, 1, 1) + timedelta(days=serial * 97 % 20_000)
    body = f"520102{born:%Y%m%d}{serial * 331 % 1000:03}"
    return body + str(ric.calc_check_digit(body + "0"))
