"""The public cannot fill the ledger, and a call that took too long is the hub's to mend."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import orjson
import pytest
from starlette.datastructures import Headers

from hub.api.admission import Admission, PublicPace, network_of
from hub.api.context import Caller
from hub.api.envelope import Envelope
from hub.api.http import HttpAnswer, HttpRequest
from hub.api.identity import Identity
from hub.api.turn import Turn, Turns
from hub.ledger.rollup import Rollup
from hub.sharing.registry import Registry
from hub.sharing.tables import application, grant
from hub.store.base import metadata
from schema.faults import Code, Fault
from tests.auth.support import World
from tests.hub.running import RunningHub
from tests.ledger.build import open_service

fast = pytest.mark.fast


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(pace: PublicPace, address: str, tries: int) -> int:
    """How many of these tries were let through."""
    refused = 0
    for _ in range(tries):
        try:
            pace.take(address)
        except Fault as fault:
            refused += fault.code is Code.RATE_LIMITED
    return tries - refused


@fast
def test_a_burst_of_twice_the_rate_then_the_rate() -> None:
    clock = Clock()
    pace = PublicPace(10, clock=clock)
    assert taken(pace, "192.0.2.1", 100) == 20
    assert taken(pace, "192.0.2.2", 5) == 5
    clock.now += 1
    assert taken(pace, "192.0.2.1", 100) == 10
    clock.now += 3600
    assert taken(pace, "192.0.2.1", 100) == 20


@fast
def test_many_addresses_are_not_remembered_and_gain_nothing() -> None:
    clock = Clock()
    pace = PublicPace(10, addresses=4, clock=clock)
    assert sum(taken(pace, f"192.0.2.{number}", 100) for number in range(100)) == 5 * 20
    assert len(pace._buckets) <= 5
    assert taken(pace, "192.0.2.0", 1) == 0
    clock.now += 2
    assert taken(pace, "198.51.100.1", 100) == 20
    assert len(pace._buckets) <= 5


@fast
def test_a_network_of_ipv6_is_one_address() -> None:
    pace = PublicPace(10, clock=Clock())
    assert sum(taken(pace, f"2001:db8::{number:x}", 10) for number in range(10)) == 20
    assert network_of("2001:db8:1:2:3::4%eth0") == "2001:db8:1:2::"
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("") == ""


@pytest.mark.slow
@pytest.mark.xdist_group("hub")
def test_a_flood_of_the_public_reaches_the_roll_up_alone(hub: RunningHub) -> None:
    def entries() -> int:
        with closing(sqlite3.connect(f"file:{hub.home}/control.db?mode=ro", uri=True)) as connection:
            count: int = connection.execute("SELECT count(*) FROM ledger_entry WHERE kind = 'call' AND application IS NULL").fetchone()[0]
            return count

    before = entries()
    # Eight at once: more than the pace refills on any machine that runs the tests.
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: hub.ask(None, "{ __typename }"), range(1200)))
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert all(answer.codes == ["RATE_LIMITED"] and answer.response.headers["retry-after"] == "1" for answer in refused)
    assert entries() - before == len(answers) - len(refused)
    assert hub.ask("bank", "{ me { application } }").status == 200


@fast
@pytest.mark.anyio
async def test_a_call_that_took_too_long_is_the_hubs(tmp_path_factory: pytest.TempPathFactory) -> None:
    service = open_service(tmp_path_factory.mktemp("hub"))
    metadata.create_all(service.engine, tables=[application, grant])
    registry = Registry(service.engine)
    world = World(tmp_path_factory.mktemp("oauth"))
    rollup = Rollup(service.ledger.append)

    async def never(_turn: Turn, _caller: Caller) -> HttpAnswer:
        await asyncio.Event().wait()
        raise AssertionError

    turns = Turns(
        Identity(world.verifier, registry, world.proofs, world.issuer), Admission(4, 4), PublicPace(50), service.ledger, rollup, "0" * 16, 0.01, never
    )
    answer = await turns.take(HttpRequest(Headers({}), "192.0.2.1", Envelope(Headers({}))))
    extensions = orjson.loads(answer.body)["errors"][0]["extensions"]
    assert (answer.status, extensions["code"], extensions["origin"], extensions["retryable"]) == (503, "TIMEOUT", "HUB", True)
    world.store.close()
    service.engine.dispose()
