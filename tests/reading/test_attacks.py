"""What a consumer and a provider try in order to learn of others' calls, and what somebody does with an export after the right to it has ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from hub.acts import bump
from hub.catalog.scopes import AUDIT, OWNER, STEWARD
from hub.ledger.entry import Entry
from hub.ledger.search import search
from hub.people.codes import CONSOLE
from hub.people.tables import account_role, person
from hub.reading.views import Scope, View
from hub.store.base import now
from tests.reading.world import World

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
GET = {"type": "http", "method": "GET", "path": "/ledger/export", "http_version": "1.1", "scheme": "http", "root_path": "", "client": ("127.0.0.1", 1)}
Act = Callable[[], Awaitable[None]]


def steps(world: World, scope: Scope, said: dict[str, Any]) -> Iterator[int]:
    """The numbers to which a search gets that looks at one entry at a time: what ``searchedTo`` and the pages tell of those it does not show."""
    which, behind = scope.filter(said), None
    while True:
        with world.core.engine.connect() as connection:
            found = search(connection, which, 10, behind, most=1)
        if found.onward is None:
            return
        behind = found.onward
        yield behind


@pytest.mark.parametrize(
    "said", [{}, {"outcome": "REFUSED"}, {"outcome": "PARTIAL"}, {"resource": "civil.person"}, {"resource": "tax.company"}, {"kind": ["deny"]}]
)
async def test_how_far_a_consumers_search_got_tells_of_its_own_calls_alone(world: World, said: dict[str, Any]) -> None:
    own = {entry.seq for entry in world.entries(application=world.ids["rents"])}
    assert set(steps(world, Scope(View.OWN, application=world.ids["rents"]), said)) <= own


@pytest.mark.parametrize(
    "said",
    [{}, {"application": "loans"}, {"department": "bank"}, {"resource": "tax.company"}, {"outcome": "PARTIAL"}, {"kind": ["deny"]}, {"outcome": "REFUSED"}],
)
async def test_how_far_a_providers_search_got_tells_of_its_own_resources_alone(world: World, said: dict[str, Any]) -> None:
    named = {**said, "application": world.ids["loans"]} if "application" in said else said
    own = {entry.seq for entry in world.entries(provider="civil")}
    assert set(steps(world, Scope(View.PROVIDED, department="civil"), named)) <= own


async def exported(world: World, headers: dict[str, str], query: bytes, act: Act) -> tuple[bytes, bool, Entry]:
    """What arrives of an export in pages of one entry, ``act`` being done behind the second part; whether it has an end; the log's last entry."""
    pieces: list[Any] = []
    raw = [(name.encode(), value.encode()) for name, value in {**headers, "host": "127.0.0.1:8000"}.items()]

    async def send(message: Any) -> None:
        pieces.append(message)
        if len(pieces) == 3:
            await act()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {**GET, "raw_path": b"/ledger/export", "query_string": query, "headers": raw, "server": ("127.0.0.1", 8000), "asgi": {"spec_version": "2.4"}}
    await world.hub(scope, receive, send)
    return b"".join(each.get("body", b"") for each in pieces), not pieces[-1].get("more_body", True), world.entries()[-1]


async def test_an_export_goes_on_while_nothing_was_taken_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing() -> None:
        await world.hub.live.refresh()

    monkeypatch.setattr("hub.reading.exports.PAGE", 1)
    got, whole, last = await exported(world, world.headers(AUDIT), b"view=all&department=bank", nothing)
    assert (whole, last.content.outcome) == (True, "OK")
    assert (await world.export(AUDIT, view="all", department="bank")).content == got


def hired(world: World, name: str) -> None:
    """One more steward."""
    with world.core.engine.begin() as connection:
        made = {"id": name, "name": name, "display_name": "人", "department": "civil", "state": "ACTIVE", "created_by": "a", "approved_by": "b"}
        connection.execute(insert(person).values(**made, created_at=now()))
        connection.execute(insert(account_role).values(account=name, role=STEWARD, given_by="b", given_at=now()))
        bump(connection, "rights")


@pytest.mark.parametrize("how", ["revoked", "role", "disabled"])
async def test_an_export_ends_with_the_right_to_it(world: World, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """LOG-08: who may read may as long as the right lasts, and what was broken off has no end."""
    name = f"person_{how}"
    hired(world, name)
    await world.hub.live.refresh()
    token = world.hub._tokens.issue(CONSOLE, [STEWARD], subject=name)

    async def taken_back() -> None:
        if how == "revoked":
            world.hub.live._revocations.revoke(token.jti, token.expires_at)
            return
        with world.core.engine.begin() as connection:
            if how == "role":
                connection.execute(delete(account_role).where(account_role.c.account == name))
            else:
                connection.execute(update(person).where(person.c.id == name).values(state="DISABLED"))
            bump(connection, "rights")
        await world.hub.live.refresh()

    monkeypatch.setattr("hub.reading.exports.PAGE", 1)
    headers = {**world.headers(STEWARD), "authorization": f"Bearer {token.token}"}
    got, whole, last = await exported(world, headers, b"view=provided", taken_back)
    assert (got.count(b"\r\n"), whole) == (2, False)
    assert (last.content.operation, last.content.application, last.content.outcome, last.content.code) == ("ledger.exported", name, "FAILED", "ABORTED")
    assert (last.content.details or {})["complete"] is False


async def test_nobody_takes_all_places_from_the_audit_administrator(world: World) -> None:
    """Exports that are read slowly keep their places: an account has two, and the last one is the audit administrator's."""
    answers: dict[str, int] = {}

    async def within(others: Sequence[str], act: Act) -> None:
        async def onward() -> None:
            await within(others[1:], act)

        await (exported(world, world.headers(others[0]), b"", onward) if others else act())

    async def third_of_one() -> None:
        answers["third"] = (await world.export("rents")).status_code

    async def last_place() -> None:
        answers["steward"] = (await world.export(STEWARD, view="provided")).status_code
        answers["auditor"] = (await world.export(AUDIT, view="all", highest="1")).status_code

    await within(["rents", "rents"], third_of_one)
    await within(["rents", "rents", OWNER], last_place)
    assert answers == {"third": 429, "steward": 429, "auditor": 200}
    assert (await world.export("rents")).status_code == 200, "places are given back"
