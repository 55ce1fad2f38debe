"""D2: whoever looks for people by numbers that he made up ends for the day, whichever way he asks; and a miss tells nothing that a miss may not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hub.clock import clock
from hub.core import Core
from hub.verification.limits import Limits, OverBudget
from hub.verification.lookups import Lookups
from hub.verification.tables import verification_tally
from tests.catalog.homes import new_core
from tests.ledger.build import make_draft
from tests.verification.test_d_guessing import valid_number
from tests.verification.world import KNOWN, NAME, UNKNOWN, World

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
LIMITS = Limits(misses=5)
EVENING = datetime(2026, 2, 13, 15, 59, 50, tzinfo=UTC)
"""Ten seconds before midnight in China."""


def document(first: int, count: int = 10) -> str:
    """So many look-ups that find nothing."""
    fields = " ".join(f'a{n}: person(idNumber: "{valid_number(n)}") {{ name }}' for n in range(first, first + count))
    return f"{{ civilAffairs {{ {fields} }} }}"


def misses(world: World, department: str) -> int:
    """What is counted of a department."""
    counted = select(func.sum(verification_tally.c.misses)).where(verification_tally.c.consumer == department)
    with world.core.engine.connect() as connection:
        return int(connection.execute(counted).scalar_one() or 0)


async def test_d2_misses_are_the_departments_whatever_application_asks(world: World) -> None:
    apps, other = [world.application(name, "missing") for name in ("missing_a", "missing_b")], world.application("not_missing")
    for number in range(10):
        assert (await world.ask(apps[number % 2], document(1000 + 10 * number))).code == "OK"
    asked = len(world.statements)
    world.token(apps[1])
    for app in apps:
        answer = await world.ask(app, f'{{ civilAffairs {{ person(idNumber: "{KNOWN}") {{ name }} }} }}')
        assert (answer.status, answer.code, int(answer.headers["retry-after"]) > 0) == (429, "VERIFICATION_BUDGET", True)
    assert (len(world.statements), misses(world, "missing")) == (asked, 100)
    assert (await world.ask(other, document(1000))).code == "OK"


async def test_d2_a_hundred_look_ups_at_once_miss_no_more_often(world: World) -> None:
    app = world.application("hurried")
    assert (await world.ask(app, "{ __typename }")).code == "OK"
    answers = await asyncio.gather(*(world.ask(app, document(3000 + 10 * number)) for number in range(30)))
    assert Counter(answer.code for answer in answers)["OK"] == 10
    assert misses(world, "hurried") == 100
    assert all(answer.json.get("data") is None for answer in answers if answer.code != "OK"), "nothing of a call that is over it leaves"


async def test_d2_a_row_outside_the_grant_is_missed_like_one_that_is_not_there(world: World) -> None:
    """Neither body nor count tells that somebody is there whom the grant does not reach."""
    app = world.application("outside_missed", rows={"name": {"eq": "nobody"}})
    bodies = []
    for number in (KNOWN, UNKNOWN):
        answer = await world.ask(app, f'{{ civilAffairs {{ person(idNumber: "{number}") {{ name }} }} }}')
        bodies.append((answer.status, answer.length, answer.found))
    assert (bodies[0], misses(world, "outside_missed")) == (bodies[1], 2)


async def test_d2_what_was_no_look_up_is_no_miss(world: World) -> None:
    """A number that is none, a source that does not answer, a call that is refused as a whole."""
    app = world.application("unlucky")
    one = '{{ civilAffairs {{ person(idNumber: "{}") {{ name }} }} }}'
    assert (await world.ask(app, one.format("123"))).code == "BAD_INPUT"
    with world.without_register():
        assert (await world.ask(app, one.format(KNOWN))).code == "SOURCE_UNAVAILABLE"
    assert (await world.ask(app, one.format(KNOWN).replace("name }", "nothing }"))).code == "INVALID_DOCUMENT"
    assert misses(world, "unlucky") == 0
    assert (await world.ask(app, one.format(KNOWN))).found == {"name": NAME}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A hub without a catalog."""
    with new_core(tmp_path) as made:
        yield made


def missed(core: Core, lookups: Lookups, times: int = 1) -> None:
    """One call with so many misses."""
    core.ledger.append_sync(make_draft(), partial(lookups.count, consumer="housing", misses={"a.b": times}))


async def test_d8_what_another_process_counted_holds_at_the_count_itself(core: Core) -> None:
    """A process that read the tally a moment ago lets the call begin; its answer is refused with its entry."""
    first, second = Lookups(core.engine, LIMITS), Lookups(core.engine, LIMITS)
    await first.check("housing", ["a.b"])
    missed(core, second, 5)
    await first.check("housing", ["a.b"])
    with pytest.raises(OverBudget):
        missed(core, first)
    with pytest.raises(OverBudget):
        await first.check("housing", ["a.b"])
    with core.engine.connect() as connection:
        assert connection.execute(select(verification_tally.c.misses)).scalars().all() == [5]


async def test_d8_a_restart_gives_no_further_miss_and_midnight_does(core: Core) -> None:
    with clock.at(EVENING) as hand:
        missed(core, Lookups(core.engine, LIMITS), 5)
        with pytest.raises(OverBudget) as fault:
            await Lookups(core.engine, LIMITS).check("housing", ["a.b"])
        assert fault.value.retry_after == 10
        hand.forward(seconds=11)
        await Lookups(core.engine, LIMITS).check("housing", ["a.b"])
        missed(core, Lookups(core.engine, LIMITS))
        hand.set(EVENING)
        # The day that was counted last holds: a clock that is set back finds it, not the fresh one before.
        missed(core, Lookups(core.engine, LIMITS), 4)
        with pytest.raises(OverBudget):
            missed(core, Lookups(core.engine, LIMITS))


async def test_d2_every_resource_has_its_own_misses_and_all_of_a_call_are_looked_at(core: Core) -> None:
    lookups = Lookups(core.engine, LIMITS)
    missed(core, lookups, 5)
    await lookups.check("housing", ["a.c"])
    await lookups.check("water", ["a.b"])
    with pytest.raises(OverBudget) as fault:
        await lookups.check("housing", ["a.c", "a.b"])
    assert fault.value.resource == "a.b"
