"""A control database that somebody else holds: callers are told soon, readiness shows it, and all is well again afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from hub.api.oauth import routes
from hub.ledger.append import PATIENCE_MS
from hub.ledger.errors import LedgerUnavailable
from hub.ledger.service import LedgerService
from hub.store.engine import open_engine
from tests.auth.support import FORM, World, basic
from tests.hub.running import RunningHub
from tests.ledger.build import check, make_draft, open_service

fast = pytest.mark.fast
anyio = pytest.mark.anyio


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The database, with the right to write taken by another connection."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def wait_for(held: Callable[[], bool]) -> None:
    """Until it holds; fails after ten seconds."""
    until = time.monotonic() + 10
    while not held():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LedgerService]:
    made = open_service(tmp_path)
    yield made
    made.engine.dispose()


@fast
def test_patience_is_of_the_transaction(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}")
    asked = text("PRAGMA busy_timeout")
    for options, patience in (({"patience": 200}, 200), ({}, 10_000), ({"patience": PATIENCE_MS}, 2000)):
        with engine.execution_options(**options).connect() as connection:
            assert connection.execute(asked).scalar_one() == patience
    engine.dispose()


@fast
@anyio
async def test_a_locked_database_refuses_and_recovers_without_a_call(service: LedgerService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ledger.append.PATIENCE_MS", 50)
    monkeypatch.setattr("hub.ledger.append.PROBE_SECONDS", 0.05)
    await service.ledger.start()
    await service.ledger.append(make_draft("before"))
    assert not service.ledger.failing
    with locked(tmp_path / "control.db"):
        results = await asyncio.gather(*(service.ledger.append(make_draft(f"c{number}")) for number in range(8)), return_exceptions=True)
        assert {type(result) for result in results} == {LedgerUnavailable}
        await asyncio.sleep(0.2)
        assert service.ledger.failing
        assert not service.ready
    await asyncio.to_thread(wait_for, lambda: not service.ledger.failing)
    assert (await service.ledger.append(make_draft("after"))).entry == 1
    await service.ledger.close()
    assert check(service).entries == 2


@fast
def test_the_token_endpoint_says_temporarily_unavailable(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = World(tmp_path_factory.mktemp("oauth"))

    async def refuse(_kind: str, _client: str | None, _outcome: str, _code: str | None, _address: str) -> None:
        raise LedgerUnavailable("the control database refused the entry")

    client = TestClient(Starlette(routes=routes(world.server, world.keys, list, refuse)))
    answer = client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=basic("app") | {"content-type": FORM})
    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
    assert "access_token" not in answer.text
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["cache-control"] == "no-store"
    world.store.close()


@pytest.mark.slow
@pytest.mark.xdist_group("hub")
def test_a_hub_whose_database_is_locked(hub: RunningHub) -> None:
    hub.token("housing")
    with locked(hub.home / "control.db"):
        answer = hub.ask("housing", "{ __typename }")
        assert (answer.status, answer.codes) == (503, ["LEDGER_UNAVAILABLE"])
        assert hub.http("GET", "/health/ready").status_code == 503
        assert hub.http("GET", "/health/live").status_code == 200
        token = hub.grant_token("bank")
        assert (token.status_code, token.json()["error"]) == (503, "temporarily_unavailable")
        demo = hub.http("POST", "/console/demo-token", b'{"name": "housing"}', {"Content-Type": "application/json"})
        assert demo.status_code == 503
    wait_for(lambda: hub.http("GET", "/health/ready").status_code == 200)
    assert hub.ask("housing", "{ __typename }").status == 200
