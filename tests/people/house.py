"""What tests of people's accounts share: people who are enrolled, a browser, counted hashes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx2
import pyotp
from argon2 import PasswordHasher
from sqlalchemy import select
from starlette.applications import Starlette

from hub.acts import Actor
from hub.core import Core
from hub.ledger.tables import entry
from hub.people.enrolment import Enrolment, Invitation
from hub.people.pages import AccountPages
from hub.people.passwords import Passwords
from hub.people.tables import person
from hub.people.totp import Seal

ORIGIN = "http://127.0.0.1:8000"
OWN = {"origin": ORIGIN}
REN = Actor("ren", "city_data", frozenset({"governance:system"}), application="person_ren")
DU = Actor("du", "city_data", frozenset({"governance:security"}), application="person_du")
YAO = Actor("yao", "city_data", frozenset({"governance:audit"}), application="person_yao")
PASSWORD = "梧桐-river-7421-lantern"
CHEAP = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}


class Clock:
    """Called, it tells the time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **duration: float) -> None:
        """Forward."""
        self.now += timedelta(**duration)


class Counting(PasswordHasher):
    """Counts what is computed."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**{**CHEAP, **parameters})
        self.computed = 0

    def hash(self, *args: Any, **given: Any) -> str:
        self.computed += 1
        return super().hash(*args, **given)

    def verify(self, *args: Any, **given: Any) -> Any:
        self.computed += 1
        return super().verify(*args, **given)


@dataclass
class House:
    """Pages and people. ``http`` keeps no cookies: tests say which they send."""

    core: Core
    pages: AccountPages
    http: httpx2.AsyncClient
    hasher: Counting
    clock: Clock
    secrets: dict[str, str] = field(default_factory=dict)

    def enrolled(self, name: str = "zhang.wei", roles: tuple[str, ...] = ("governance:steward",), password: str = PASSWORD) -> str:
        """A person who can log in; the account's id."""
        people = self.core.people
        proposed = people.propose(REN, name, "张伟", "housing", roles)
        approved = people.approve(DU, name)
        invitation = Invitation(approved.code, proposed.code)
        self.secrets[name] = self.enrolment.begin(invitation, "192.0.2.9").secret
        self.enrolment.finish(invitation, password, self.code(name), "192.0.2.9")
        self.clock.move(seconds=30)
        return proposed.person.id

    @property
    def enrolment(self) -> Enrolment:
        """The service behind the pages."""
        return Enrolment(self.core.engine, self.core.acts, Seal(self.core.people_key), Passwords(self.hasher))

    def code(self, name: str = "zhang.wei", steps: int = 0) -> str:
        """What the person's app shows, ``steps`` from now."""
        return str(pyotp.TOTP(self.secrets[name]).at(self.clock.now + timedelta(seconds=30 * steps)))

    async def login(self, name: str = "zhang.wei", headers: dict[str, str] | None = None, **changed: str) -> httpx2.Response:
        """Sends the login form; everything in it is right unless it is changed."""
        form = {"name": name, "password": PASSWORD, "next": "/account", **({} if "code" in changed else {"code": self.code(name)}), **changed}
        answer = await self.http.post("/account/login", data=form, headers=OWN if headers is None else headers)
        self.http.cookies.clear()
        return answer

    async def logged_in(self, name: str = "zhang.wei") -> dict[str, str]:
        """The header of a new session."""
        answer = await self.login(name)
        assert answer.status_code == 303, answer.text
        self.clock.move(seconds=30)
        return {"cookie": answer.headers["set-cookie"].partition(";")[0]}

    async def account(self, cookie: dict[str, str]) -> httpx2.Response:
        """One's own page."""
        return await self.http.get("/account", headers=cookie)

    async def csrf(self, cookie: dict[str, str]) -> str:
        """The token of the session's forms."""
        found = re.search(r'name="csrf" value="([^"]+)"', (await self.account(cookie)).text)
        assert found
        return unescape(found[1])

    def row(self, name: str = "zhang.wei") -> Any:
        """The account as it is stored."""
        with self.core.engine.connect() as connection:
            return connection.execute(select(person).where(person.c.name == name)).one()

    def entries(self) -> list[str]:
        """The ledger, each entry as text."""
        return entries(self.core)


def entries(core: Core) -> list[str]:
    """The ledger, each entry as text."""
    with core.engine.connect() as connection:
        return [bytes(row).decode() for row in connection.execute(select(entry.c.canonical).order_by(entry.c.seq)).scalars()]


@asynccontextmanager
async def house_of(core: Core, clock: Clock) -> AsyncIterator[House]:
    """The pages alone, without the rest of a hub."""
    hasher = Counting()
    pages = AccountPages(core, passwords=Passwords(hasher))
    transport = httpx2.ASGITransport(app=Starlette(routes=pages.routes()), client=("192.0.2.7", 50000))
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        yield House(core, pages, http, hasher, clock)
