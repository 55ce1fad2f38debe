"""Logging in: one answer for whatever is wrong, at the price of one hash; locks that grow and end; codes that hold once."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import event, select

from hub.people.attempts import ADDRESS_FREE, LONGEST_LOCK, NAME_FREE, Attempts, lock_after
from hub.people.login import LoginRefused, Proof
from hub.people.passwords import Passwords
from hub.people.tables import login_failure, person_session
from tests.catalog.homes import rows
from tests.people.house import PASSWORD, REN, Counting, House

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


async def test_name_password_and_code_open_a_session(house: House) -> None:
    house.enrolled()
    answer = await house.login(next="/governance/graphql")
    assert (answer.status_code, answer.headers["location"]) == (303, "/governance/graphql")
    cookie = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
    page = await house.account(cookie)
    assert page.status_code == 200
    assert "governance:steward" in page.text
    assert '"act":"login"' in house.entries()[-1]
    assert PASSWORD not in "".join(house.entries())


WRONG = {
    "unknown name": {"name": "nobody.here", "code": "123456"},
    "wrong password": {"password": "not-the-password-1"},
    "no password": {"password": ""},
    "password of 100,000 characters": {"password": "x" * 4000},
    "wrong code": {"code": "000000"},
    "no code": {"code": ""},
    "code of other digits": {"code": "１２３４５６"},
    "everything wrong": {"password": "not-the-password-1", "code": "000000"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_whatever_is_wrong_reads_the_same_and_costs_one_hash(house: House, wrong: dict[str, str]) -> None:
    house.enrolled()
    reference = await house.login(password="some-other-password")
    await house.login()
    house.clock.move(seconds=60)
    before = house.hasher.computed
    answer = await house.login(**wrong)
    assert house.hasher.computed - before == 1
    assert (answer.status_code, answer.content) == (reference.status_code, reference.content)
    assert "set-cookie" not in answer.headers
    assert {k: v for k, v in answer.headers.items() if k != "date"} == {k: v for k, v in reference.headers.items() if k != "date"}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_whatever_is_wrong_asks_the_database_the_same(house: House, wrong: dict[str, str]) -> None:
    """A right password with a wrong code is not told by work either: else passwords could be tried without the telephone."""
    house.enrolled()
    statements: list[str] = []
    event.listen(house.core.engine, "before_cursor_execute", lambda _c, _cur, statement, *_: statements.append(statement))
    await house.login(password="some-other-password", code="000000")
    house.clock.move(seconds=60)
    reference, statements[:] = list(statements), []
    await house.login(**wrong)
    assert statements == reference


async def test_a_stale_hash_is_made_anew_only_for_who_is_let_in(house: House) -> None:
    house.enrolled()
    house.pages._login.passwords = Passwords(stronger := Counting(time_cost=2))
    await house.login(code="000000")
    assert stronger.computed == 1


@pytest.mark.parametrize("act", ["disable", "invite"])
async def test_an_account_out_of_use_reads_like_a_wrong_password(house: House, act: str) -> None:
    house.enrolled()
    reference = await house.login(password="some-other-password")
    code = house.code()
    getattr(house.core.people, act)(REN, "zhang.wei")
    before = house.hasher.computed
    answer = await house.login(code=code)
    assert house.hasher.computed - before == 1
    assert answer.content == reference.content


async def test_a_code_is_used_once(house: House) -> None:
    house.enrolled()
    code = house.code()
    assert (await house.login(code=code)).status_code == 303
    assert (await house.login(code=code)).status_code == 400
    house.clock.move(seconds=30)
    assert (await house.login(code=code)).status_code == 400, "still within the drift, but used"
    assert (await house.login()).status_code == 303


async def test_codes_of_neighbouring_steps_count_and_no_others(house: House) -> None:
    house.enrolled()
    house.clock.move(hours=1)
    assert (await house.login(code=house.code(steps=-2))).status_code == 400
    assert (await house.login(code=house.code(steps=2))).status_code == 400
    assert (await house.login(code=house.code(steps=-1))).status_code == 303
    assert (await house.login(code=house.code(steps=1))).status_code == 303
    assert (await house.login(code=house.code())).status_code == 400, "older than the one used last"


async def test_of_many_logins_with_one_code_at_once_one_succeeds(house: House) -> None:
    """In the database, so over threads and processes alike."""
    house.enrolled()
    login, proof = house.pages._login, Proof("zhang.wei", PASSWORD, house.code(), "192.0.2.7")

    def attempt() -> bool:
        try:
            login.open(proof)
        except LoginRefused:
            return False
        return True

    done = await asyncio.gather(*(asyncio.to_thread(attempt) for _ in range(4)))
    assert sum(done) == 1
    assert rows(house.core, person_session) == 1


@pytest.mark.parametrize("name", ["zhang.wei", "nobody.here"])
async def test_after_five_failures_no_password_is_looked_at(house: House, name: str) -> None:
    """Whether or not the name exists."""
    house.enrolled()
    answers = [await house.login(name=name, password=f"wrong-password-{n}", code="000000") for n in range(NAME_FREE)]
    computed = house.hasher.computed
    locked = [await house.login(name=name, password=PASSWORD, code=house.code()) for _ in range(20)]
    assert house.hasher.computed == computed
    assert {answer.content for answer in [*answers, *locked]} == {answers[0].content}
    assert {answer.status_code for answer in locked} == {400}


async def test_a_lock_ends_and_the_next_is_longer(house: House) -> None:
    house.enrolled()
    for _ in range(NAME_FREE):
        await house.login(password="wrong-password", code="000000")
    house.clock.move(seconds=31)
    assert (await house.login(password="wrong-password", code="000000")).status_code == 400
    house.clock.move(seconds=31)
    assert (await house.login()).status_code == 400, "locked for a minute now"
    house.clock.move(seconds=30)
    assert (await house.login()).status_code == 303
    house.clock.move(seconds=30)
    with house.core.engine.connect() as connection:
        assert {row.key[:8] for row in connection.execute(select(login_failure))} == {"address:"}, "a success forgets the name's failures"


def test_locks_double_up_to_a_quarter_of_an_hour() -> None:
    waits = [lock_after(failures, NAME_FREE).total_seconds() for failures in range(NAME_FREE + 8)]
    assert waits == [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]
    assert lock_after(10**6, NAME_FREE) == LONGEST_LOCK


async def test_one_address_that_tries_many_names_is_locked_and_others_are_not(house: House) -> None:
    house.enrolled()
    attempts = Attempts(house.core.engine)
    assert all(attempts.begin(f"name{n}", "192.0.2.66") for n in range(ADDRESS_FREE))
    assert not attempts.begin("zhang.wei", "192.0.2.66")
    assert (await house.login()).status_code == 303


async def test_attempts_at_once_are_counted_before_any_is_looked_at(house: House) -> None:
    """A burst gets no further than the same attempts one after the other."""
    house.enrolled()
    computed = house.hasher.computed
    forms = [house.login(password=f"wrong-password-{n}", code="000000") for n in range(20)]
    assert {answer.status_code for answer in await asyncio.gather(*forms)} == {400}
    assert house.hasher.computed - computed == NAME_FREE


async def test_a_flood_of_logins_is_refused_before_it_queues_for_ever(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.people.pages.MOST_WAITING", 0)
    computed = house.hasher.computed
    house.enrolled()
    enrolled = house.hasher.computed
    answer = await house.login()
    assert answer.status_code == 503
    assert (computed, house.hasher.computed) == (0, enrolled)


async def test_a_hash_of_yesterdays_parameters_is_made_anew(house: House) -> None:
    house.enrolled()
    old = house.row().password_hash
    assert "m=8,t=1" in old
    house.pages._login.passwords = Passwords(Counting(time_cost=2))
    assert (await house.login()).status_code == 303
    assert "m=8,t=2" in house.row().password_hash
    house.clock.move(seconds=30)
    assert (await house.login()).status_code == 303


async def test_refusals_before_authentication_are_rolled_up(house: House) -> None:
    """No entry each, and no name in any."""
    house.enrolled()
    before = len(house.entries())
    for _ in range(NAME_FREE + 2):
        await house.login(password="wrong-password", code="000000")
    assert len(house.entries()) == before
    await house.core.log.start()
    assert await house.core.log.rollup.flush() == 1
    await house.core.log.close()
    assert '"LOGIN_REFUSED":5' in house.entries()[-1]
    assert '"LOGIN_LOCKED":2' in house.entries()[-1]
    assert "zhang" not in house.entries()[-1]
