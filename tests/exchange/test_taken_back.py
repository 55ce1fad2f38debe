"""Downloads under way when their token is taken back: they end, and are entered as broken off. One that merely expires ends no download."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from hub.acts import bump
from hub.catalog.scopes import OWNER
from hub.exchange.tables import exchange_file
from hub.ledger.parsing import parse
from hub.ledger.tables import entry
from hub.people.codes import CONSOLE as CONSOLE_CLIENT
from hub.people.tables import account_role, person
from hub.sharing.clients import ClientService
from hub.sharing.tables import application
from hub.store.base import now
from tests.attacks.exchanges import ISSUER, Exchanges, exchanges_in
from tests.catalog.homes import CONSOLE

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


async def download(world: Exchanges, identity: str, then: Callable[[], object], token: str | None = None) -> tuple[int, int]:
    """How many bytes came of how many; ``then`` is done behind the second piece."""
    file = (await world.look(identity))["files"][0]
    path = world.folder(identity) / file["name"]
    path.write_bytes(path.read_bytes() * 200)
    with world.core.engine.begin() as connection:
        whole = exchange_file.c.exchange == identity, exchange_file.c.name == file["name"]
        connection.execute(update(exchange_file).where(*whole).values(bytes=path.stat().st_size))
    pieces: list[bytes] = []

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200, message
        pieces.append(message.get("body", b""))
        if len(pieces) == 3:
            await asyncio.to_thread(then)
            await world.hub.live.refresh()

    async def receive() -> Any:
        await asyncio.sleep(60)

    headers = {**await world.headers("taker"), "host": ISSUER.partition("//")[2]}
    if token:
        headers["authorization"] = f"Bearer {token}"
        del headers["huitong-operator"]  # Who calls is its own operator.
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": file["url"], "raw_path": file["url"].encode(), "query_string": b"", "headers": raw, "root_path": ""}
    of = {"scheme": "https", "http_version": "1.1", "server": ("hub", 443), "client": ("127.0.0.1", 1), "asgi": {"spec_version": "2.4"}}
    await world.hub({**scope, **of}, receive, send)
    return sum(map(len, pieces)), path.stat().st_size


async def finished(world: Exchanges) -> str:
    identity = await world.start()
    assert (await world.until(identity, "SUCCEEDED", "FAILED"))["state"] == "SUCCEEDED"
    await world.tidy(identity)
    return identity


@pytest.mark.parametrize("how", ["revoked", "renewed"])
async def test_a_token_that_is_taken_back_ends_its_download(tmp_path: Path, how: str) -> None:
    async with exchanges_in(tmp_path) as world:
        identity = await finished(world)
        verifier = world.hub._identity._verifier
        token = (await world.headers("taker"))["authorization"].removeprefix("Bearer ")

        def take_back() -> None:
            if how == "revoked":
                access = verifier.verify(token)
                verifier._revocations.revoke(access.jti, access.expires_at)
            else:
                time.sleep(1.1)  # Tokens of the second in which a secret is renewed are of the new one.
                ClientService(world.core.acts).renew_secret(CONSOLE, "taker")

        sent, size = await download(world, identity, take_back)
        assert 0 < sent < size
        with world.core.engine.connect() as connection:
            broken = [parse(row).content for row in connection.execute(select(entry.c.canonical).order_by(entry.c.seq)).scalars()][-1]
        assert (broken.kind, broken.outcome, broken.bytes) == ("download", "FAILED", sent)
        assert (broken.details or {})["broken_off"]


async def test_who_answers_for_the_application_no_more_gets_no_more_of_it(tmp_path: Path) -> None:
    async with exchanges_in(tmp_path) as world:
        identity = await finished(world)
        app = world.core.registry.by_name("taker")
        assert app is not None
        of = application.c.client_id == app.client_id
        with world.core.engine.begin() as connection:
            made = {"id": "person_owner", "name": "owner", "display_name": "人", "department": "civil_affairs", "state": "ACTIVE"}
            connection.execute(insert(person).values(**made, created_by="a", approved_by="b", created_at=now()))
            connection.execute(insert(account_role).values(account="person_owner", role=OWNER, given_by="b", given_at=now()))
            connection.execute(update(application).where(of).values(owner="person_owner"))
            bump(connection, "rights")
        await world.hub.live.refresh()

        def take_away() -> None:
            with world.core.engine.begin() as connection:
                connection.execute(update(application).where(of).values(owner=None))
                bump(connection, "rights")

        issued = world.hub._tokens.issue(CONSOLE_CLIENT, app.scopes(), subject="person_owner", application=app.client_id)
        sent, size = await download(world, identity, take_away, issued.token)
        assert 0 < sent < size


async def test_a_token_that_expires_meanwhile_ends_no_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with exchanges_in(tmp_path) as world:
        identity = await finished(world)
        verifier, later = world.hub._identity._verifier, time.time() + 3600
        sent, size = await download(world, identity, lambda: monkeypatch.setattr(verifier, "_clock", lambda: later))
        assert sent == size
