"""What the hub keeps of callers between calls gives nobody anything beyond its time: the call after any change obeys it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth.keys import add_key
from hub.clock import clock
from hub.core import TOKEN_KEYS
from hub.sharing import registry as registry_module
from hub.sharing.grant_acts import GrantGiven
from tests.catalog.homes import CONSOLE, SECURITY
from tests.verification.world import KNOWN, NAME, OTHER, PURPOSE, Asked, World, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

ASK = f'{{ civilAffairs {{ person(idNumber: "{KNOWN}") {{ name }} }} }}'
LIST = "{ civilAffairs { persons(first: 10) { nodes { name } } } }"
PERSON = "civil_affairs.person"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the hub does."""
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[World]:
    """A running hub with a register of two persons."""
    async with world_in(tmp_path_factory.mktemp("kept"), lookup_misses_per_day=100_000) as made:
        yield made


async def warmed(world: World, name: str, **terms: Any) -> str:
    """An application whose calls are known: its token is not looked at anew."""
    world.application(name, **terms)
    await world.hub.live.refresh()
    for _ in range(3):
        assert (await world.ask(name, ASK)).found == {"name": NAME}
    assert world.hub._identity.recalled(world._headers[name]["authorization"].encode()) is not None
    return name


def grant_of(world: World, name: str, resource: str = PERSON) -> str:
    """The number of the grant that is in force."""
    app = world.core.registry.by_name(name)
    assert app is not None
    return next(g.terms.grant for g in app.grants if g.terms.resource == resource)


def regrant(world: World, name: str, **terms: Any) -> None:
    """Another grant of persons in place of the one in force."""
    world.core.sharing.change_grant(SECURITY, grant_of(world, name), "REVOKED")
    items = [{"code": "id_number", "value": "ABSENT", "key": True}, {"code": "name", "value": "CLEAR"}]
    made = {"application": name, "resource": PERSON, "operations": ["QUERY", "VERIFY", "EXCHANGE"], "items": items, "rows": None}
    rest = {"purposes": [PURPOSE], "per_claim": True, "discloses_existence": False, "max_page": 100, "quota": None, "documents": [], "approver": "王"}
    world.core.sharing.create_grant(SECURITY, {**made, **rest, **terms})


async def asked(world: World, name: str) -> list[Asked]:
    """The documents that were answered before."""
    await world.hub.live.refresh()
    return [await world.ask(name, ASK), await world.ask(name, LIST)]


async def test_a_known_token_is_not_looked_at_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the tests below would pass without anything being kept."""
    await warmed(world, "known")
    monkeypatch.setattr(world.hub._identity, "caller", None)
    assert (await world.ask("known", ASK)).found == {"name": NAME}


async def test_a7_a_revoked_token(world: World) -> None:
    name = await warmed(world, "revoked")
    token = world._headers[name]["authorization"].removeprefix("Bearer ")
    access = world.hub._identity._verifier.verify(token)
    await asyncio.to_thread(world.hub._revocations.revoke, access.jti, access.expires_at)
    assert (await world.ask(name, ASK)).status == 401
    world.token(name)
    assert (await world.ask(name, ASK)).found == {"name": NAME}


async def test_a7_a_token_that_another_process_revoked(world: World) -> None:
    name = await warmed(world, "elsewhere")
    access = world.hub._identity._verifier.verify(world._headers[name]["authorization"].removeprefix("Bearer "))
    await asyncio.to_thread(world.hub._revocations._store.add, access.jti, access.expires_at)
    await world.hub.live.refresh()
    assert (await world.ask(name, ASK)).status == 401


async def test_a7_a_disabled_application(world: World) -> None:
    name = await warmed(world, "disabled")
    world.core.sharing.disable_application(CONSOLE, name)
    assert [each.status for each in await asked(world, name)] == [401, 401]


async def test_a8_a_revoked_and_a_suspended_grant(world: World) -> None:
    for name, state in (("a8_revoked", "REVOKED"), ("a8_suspended", "SUSPENDED")):
        await warmed(world, name)
        given = GrantGiven("滥用", "SCOPE_EXCEEDED") if state == "SUSPENDED" else None
        world.core.sharing.change_grant(SECURITY, grant_of(world, name), state, given)
        assert [each.code for each in await asked(world, name)] == ["INVALID_DOCUMENT"] * 2


async def test_a_grant_that_shows_less(world: World) -> None:
    name = await warmed(world, "masked")
    regrant(world, name, items=[{"code": "id_number", "value": "ABSENT", "key": True}, {"code": "name", "value": "MASKED", "mask": "NAME"}])
    found = await asked(world, name)
    assert found[0].code == "INVALID_DOCUMENT" or found[0].found != {"name": NAME}
    assert NAME.encode() not in found[1].body


async def test_a_grant_of_fewer_rows_operations_purposes_and_documents(world: World) -> None:
    changes: list[tuple[str, dict[str, Any], Any]] = [
        ("rows", {"rows": {"id_number": {"eq": OTHER}}}, None),
        ("operations", {"operations": ["VERIFY"]}, "INVALID_DOCUMENT"),
        ("purposes", {"purposes": [{**PURPOSE, "code": "other"}]}, "PURPOSE_NOT_GRANTED"),
        ("documents", {"documents": ["0" * 64]}, "FORBIDDEN"),
        ("quota", {"quota": {"calls": 1, "rows": None, "per": "DAY"}}, "QUOTA"),
    ]
    for label, terms, expected in changes:
        name = await warmed(world, f"less_{label}")
        regrant(world, name, **terms)
        await world.hub.live.refresh()
        if label == "rows":
            assert (await world.ask(name, ASK)).found is None
        elif label == "quota":
            codes = [(await world.ask(name, ASK)).code for _ in range(2)]
            assert codes[0] == "OK"
            assert codes[1] != "OK"
        else:
            assert (await world.ask(name, ASK)).code == expected, label


async def test_b5_a_grant_ends_by_the_clock_alone(world: World) -> None:
    with clock.at(datetime.now(UTC)) as hand:
        name = await warmed(world, "ending", valid_to=hand.moment + timedelta(hours=1))
        hand.forward(minutes=59, seconds=59)
        assert (await world.ask(name, ASK)).found == {"name": NAME}
        hand.forward(seconds=1)
        assert (await world.ask(name, ASK)).code == "INVALID_DOCUMENT"


async def test_b5_a_grant_begins_by_the_clock_alone_and_a_clock_that_is_set_back_takes_it_away(world: World) -> None:
    with clock.at(datetime.now(UTC)) as hand:
        began = hand.moment
        world.application("beginning", valid_from=began + timedelta(hours=1))
        await world.hub.live.refresh()
        for _ in range(2):
            assert (await world.ask("beginning", ASK)).code == "INVALID_DOCUMENT"
        hand.forward(hours=1)
        for _ in range(2):
            assert (await world.ask("beginning", ASK)).found == {"name": NAME}
        hand.set(began)
        assert (await world.ask("beginning", ASK)).code == "INVALID_DOCUMENT"


async def test_b5_a_grant_that_ends_while_its_rights_are_being_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment of the rights and the moment up to which they are kept leave no gap between them."""
    with clock.at(datetime.now(UTC)) as hand:
        ends = hand.moment + timedelta(hours=1)
        name = await warmed(world, "in_between", valid_to=ends)
        world.token(name)
        hand.set(ends - timedelta(microseconds=1))

        def ticking() -> datetime:
            moment = hand.moment
            hand.forward(microseconds=1)
            return moment

        monkeypatch.setattr(registry_module, "now", ticking)
        await world.ask(name, ASK)
        monkeypatch.undo()
        hand.set(ends + timedelta(hours=1))
        assert (await world.ask(name, ASK)).code == "INVALID_DOCUMENT"


async def test_a_change_that_comes_while_rights_are_being_told_is_not_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights that were told of an application as it was before are not kept for the one that it is now."""
    name = await warmed(world, "overtaken")
    registry = world.core.registry
    app = registry.by_name(name)
    assert app is not None
    scopes = frozenset({f"query:{PERSON}", "query:unconditional", "governance:steward"})
    changed: list[None] = []

    def overtaking() -> datetime:
        if not changed:
            changed.append(None)
            with registry._engine.begin() as connection:
                connection.exec_driver_sql(f"UPDATE application SET purposes = '[]' WHERE client_id = '{app.client_id}'")
            registry.refresh()
        return clock.now()

    monkeypatch.setattr(registry_module, "now", overtaking)
    registry.rights(app.client_id, scopes)
    monkeypatch.undo()
    assert changed
    assert registry.rights(app.client_id, scopes).purposes == ()


async def test_a18_a_signing_key_that_is_taken_away_ends_known_tokens(world: World) -> None:
    name = await warmed(world, "key_gone")
    directory, ring = world.core.settings.keys / TOKEN_KEYS, world.hub._keys
    old = {path: path.read_bytes() for path in directory.glob("*.pem")}
    add_key(directory, 0)
    for path in old:
        path.unlink()
    try:
        assert ring.refresh()
        assert (await world.ask(name, ASK)).status == 401
    finally:
        for path, content in old.items():
            path.touch(0o600)
            path.write_bytes(content)
        assert ring.refresh()


async def test_nothing_is_told_while_rights_cannot_be_compared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await warmed(world, "stale")
    monkeypatch.setattr(world.hub._identity, "_stale", lambda: True)
    answer = await world.ask(name, ASK)
    assert (answer.status, answer.code) == (503, "LEDGER_UNAVAILABLE")
    monkeypatch.undo()
    assert (await world.ask(name, ASK)).found == {"name": NAME}


async def test_b11_applications_with_equal_headers_are_told_apart(world: World) -> None:
    """Their envelopes are one: purpose, operator and case. Who calls, what may be seen and what is entered are not."""
    first, second = await warmed(world, "equal_one"), await warmed(world, "equal_two")
    regrant(world, second, rows={"id_number": {"eq": OTHER}}, per_claim=False)
    await world.hub.live.refresh()
    after = len(world.entries()) - 1
    names = [first, second, second, first, second, first]
    answers = await asyncio.gather(*(world.ask(name, ASK) for name in names))
    assert [each.found for each in answers] == [None if name == second else {"name": NAME} for name in names]
    entered = [each.content.application for each in world.entries(after) if each.content.accesses]
    ids = {name: app.client_id for name in names if (app := world.core.registry.by_name(name))}
    assert sorted(entered) == sorted(ids[name] for name in names)
