"""Logins, locks and enrolment over two nodes on one PostgreSQL control database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hub.core import Core, initialise, open_core
from hub.people.attempts import NAME_FREE, Attempts
from hub.people.login import Login, LoginRefused, Proof
from hub.people.pages import AccountPages
from hub.people.passwords import Passwords
from hub.people.tables import person_session
from hub.settings import Settings
from tests.catalog.homes import CONSOLE
from tests.people.house import DU, PASSWORD, Clock, Counting, house_of
from tests.servers.postgres import Postgres
from tests.store.databases import make_database

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.fixture
def nodes(tmp_path: Path, postgres: Postgres) -> Iterator[tuple[Core, Core]]:
    """Two opened hubs that share database and keys."""
    settings = Settings(home=tmp_path / "home", database=make_database(postgres, "people_nodes"))
    initialise(settings)
    first, second = open_core(settings), open_core(settings)
    first.catalog.create_department(CONSOLE, code="housing", name="市住建局", uscc="11520100009395416E")
    yield first, second
    first.close()
    second.close()


async def test_a_code_counts_once_and_a_lock_holds_on_both(nodes: tuple[Core, Core], clock: Clock) -> None:
    first, second = nodes
    async with house_of(first, clock) as house:
        house.enrolled()
        logins = [AccountPages(core, passwords=Passwords(Counting()))._login for core in nodes for _ in range(2)]
        proof = Proof("zhang.wei", PASSWORD, house.code(), "192.0.2.7")

        def tried(login: Login) -> bool:
            try:
                login.open(proof)
            except LoginRefused:
                return False
            return True

        assert sum(await asyncio.gather(*(asyncio.to_thread(tried, login) for login in logins))) == 1
        with second.engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(person_session)).scalar_one() == 1

        attempts = [Attempts(core.engine) for core in nodes] * 10
        begun = await asyncio.gather(*(asyncio.to_thread(each.begin, "li.na", "192.0.2.8") for each in attempts))
        assert sum(begun) == NAME_FREE

        clock.move(seconds=60)
        cookie = await house.logged_in()
        elsewhere = AccountPages(second).sessions
        value = cookie["cookie"].partition("=")[2]
        assert elsewhere.current(value) is not None
        second.people.disable(DU, "zhang.wei")
        assert house.pages.sessions.current(value) is None

        reference = await house.login(name="nobody.here", code="123456")
        for name in ("\x00", "zhang.wei\x00"):
            answer = await house.login(name=name, code="123456")
            assert (answer.status_code, answer.content) == (400, reference.content), "what the database cannot hold is nobody's name"
