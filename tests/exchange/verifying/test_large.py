"""Five thousand rows of every sort are told as calls would have told them."""

from __future__ import annotations

import pytest

from tests.exchange.verifying.world import DOCUMENT, PERSONS, Batches, person, resident, table
from tests.verification.world import MANY

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("in_process")]
ROWS = 5000


def mixed(number: int) -> tuple[str, str, str]:
    """A row of any sort: true, untrue, unknown, in other spellings, and what is no claim at all."""
    _, identity, name, born, _ = person(10 + number % PERSONS)
    return {
        0: (identity, "某某", born),
        1: (identity, name, "1900-01-01"),
        2: (resident(10_000 + number), name, born),
        3: (identity.lower(), f" {name} ", born),
        4: (f"{number}", name, born),
        5: (identity, "张**", born),
        6: (identity, name, ""),
    }.get(number % 23, (identity, name, born))


async def test_five_thousand_rows_are_as_as_many_calls(batches: Batches) -> None:
    world = batches.world
    app, other = world.application("large"), world.application("single")
    rows = [mixed(number) for number in range(ROWS)]
    job = await batches.job(app, await batches.upload(app, table(rows, "id", "name", "born")))
    found = await batches.rows(app, job)
    told = [(row["outcome"], row["claims.name"], row["claims.birthDate"]) for row in found]
    assert [row["row"] for row in found] == [str(n) for n in range(1, ROWS + 1)]
    for begin in range(0, ROWS, 1000):
        # A call that holds one ill-formed claim is refused as a whole: those are asked alone.
        asked = [n for n in range(begin, begin + 1000) if n % 23 not in (4, 6)][:100]
        requests = [{"subject": {"idNumber": rows[n][0]}, "claims": {"name": rows[n][1], "birthDate": rows[n][2]}} for n in asked]
        answer = await world.ask(other, MANY, {"r": requests})
        singles = [(each["outcome"], *(claim["outcome"] for claim in each["claims"])) for each in answer.found]
        assert singles == [told[n] for n in asked]
    for number in (4, 6, 27, 29):
        identity, name, born = rows[number]
        answer = await world.ask(other, DOCUMENT, {"id": identity, "name": name, "born": born or None})
        assert (answer.code, told[number], found[number]["code"]) == ("BAD_INPUT", ("REFUSED", "", ""), "BAD_INPUT")
    assert {outcome for outcome, _, _ in told} == {"MATCH", "MISMATCH", "REFUSED"}
