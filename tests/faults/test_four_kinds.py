"""One document over PostgreSQL → MariaDB → REST → file, its calls counted; and the same with each system in every kind of trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from auth.rights import OpenClass, SharingClass
from connectors.selection import Binding, Kind
from connectors.spi import SourceConfig
from hub.catalog.sources import SourcePool
from schema.answer import Answer
from schema.model import Department, Item, Link, Resource, Snapshot
from tests.connectors.people import PEOPLE
from tests.connectors.service import Service
from tests.connectors.service_server import served
from tests.connectors.stands import files, mariadb, postgresql
from tests.connectors.stands.rest import rest_binding
from tests.faults.trouble import PooledHub, eventually
from tests.schema.city import EVERY, rights
from tests.schema.running import Hub
from tests.servers.faults import FaultProxy, Mode, fault_proxy

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

PLACES = ("registry.person", "tax.payer", "insurance.member", "permits.holder")
"""PostgreSQL, MariaDB, REST, file: each links to the next by the identity number."""
DOCUMENT = """{ registry { persons { nodes { name idNumber
  payer { amount member { district holder { born } } } } } } }"""
TROUBLES = (Mode.DEAD, Mode.HANG, Mode.SLOW, Mode.RESET, Mode.GARBAGE)
TIMEOUT_MS = 1500


def _resource(code: str, binding: Binding, to: str | None) -> Resource:
    kinds = {"name": Kind.STRING, "id_number": Kind.STRING, "amount": Kind.DECIMAL, "district": Kind.STRING, "born": Kind.DATE}
    return Resource(
        code=code,
        department=code.partition(".")[0],
        name=code,
        plural=f"{code.partition('.')[2]}s",
        source=f"{code.partition('.')[0]}.db",
        binding=binding,
        identifiers=("id_number",),
        stable_key="record_no",
        stable_kind=Kind.BIGINT,
        items={name: Item(name, name, kind, name) for name, kind in kinds.items()},
        links=(Link(to.partition(".")[2], "id_number", to, "id_number"),) if to else (),
        sharing_class=SharingClass.UNCONDITIONAL,
        open_class=OpenClass.OPEN,
        operations=EVERY,
    )


@dataclass
class City:
    """The hub, the proxies in front of three systems, and how often each system was asked."""

    hub: Hub
    proxies: dict[str, FaultProxy]
    asked: dict[str, Callable[[], int]]

    async def ask(self) -> Answer:
        """The document, by the public."""
        return await self.hub.ask(rights(), DOCUMENT)

    async def whole(self) -> bool:
        """Answered without an error."""
        answer = await self.ask()
        return not answer.errors and answer.data == EXPECTED


def _shown(row: tuple[Any, ...], links: int) -> dict[str, Any]:
    """A person's row as the document asks for it; ``links`` many of the systems behind the first are well."""
    _, number, name, district, _, _, _, amount, _, born, _ = row
    chain: Any = None
    for place, content in ((3, {"born": born}), (2, {"district": district}), (1, {"amount": amount})):
        inner = {} if place == 3 else {("member", "holder")[place - 1]: chain}
        chain = {**content, **inner} if links >= place and number else None
    return {"name": name, "idNumber": number, "payer": chain}


def _expected(links: int) -> dict[str, Any]:
    return {"registry": {"persons": {"nodes": [_shown(row, links) for row in PEOPLE]}}}


EXPECTED = _expected(3)


def _through(config: SourceConfig, proxy: FaultProxy) -> str:
    return config.url.replace(f":{urlsplit(config.url).port}", f":{proxy.port}", 1)


@pytest.fixture
async def city(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[City]:
    """Four real systems; those behind a network have a proxy in front of them."""
    service = Service(list(PEOPLE))
    async with AsyncExitStack() as stack:
        stands = [await stack.enter_async_context(stand.STAND.open(request, tmp_path, PEOPLE)) for stand in (postgresql, mariadb, files)]
        address = stack.enter_context(served(request, service.application()))
        first, second, fourth = ((each.config, each.binding) for each in stands)
        systems = dict(zip(PLACES, (first, second, (SourceConfig("x.y", "rest", address), rest_binding(max_page=100)), fourth), strict=True))
        sources, resources, proxies = {}, {}, {}
        for code, to in zip(PLACES, (*PLACES[1:], None), strict=True):
            (config, binding), source = systems[code], f"{code.partition('.')[0]}.db"
            url = config.url
            if config.kind != "files":
                parts = urlsplit(config.url)
                proxies[source] = stack.enter_context(fault_proxy(parts.hostname or "", parts.port or 0))
                url = _through(config, proxies[source])
            sources[source] = replace(config, code=source, url=url, timeout_ms=TIMEOUT_MS, pool=4)
            resources[code] = _resource(code, binding, to)
        pool = SourcePool()
        pool.use(sources)
        departments = {code.partition(".")[0]: Department(code, code) for code in PLACES}
        watching = asyncio.create_task(pool.watch())
        made = City(PooledHub(Snapshot(1, departments, sources, resources), pool), proxies, _counters(request, first, second, service, pool))
        try:
            await eventually(made.whole, "the file is taken over")
            yield made
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await pool.close()


def _counters(
    request: pytest.FixtureRequest, first: tuple[SourceConfig, Binding], second: tuple[SourceConfig, Binding], service: Service, pool: SourcePool
) -> dict[str, Callable[[], int]]:
    """Statements in the servers' own logs, requests at the service, calls at the source of files."""
    postgres, maria = request.getfixturevalue("postgres"), request.getfixturevalue("mariadb")
    schema, start = first[1].object.partition(".")[0], len(maria.logged().encode())

    def of_postgres() -> int:
        return sum(f'FROM "{schema}"."person"' in line for line in postgres.logged().splitlines())

    def of_mariadb() -> int:
        return sum("`id_number`" in line and "SELECT" in line for line in maria.logged(start).splitlines())

    def of_files() -> int:
        return next(each.telemetry.outcomes.total() for each in pool.opened if each.code == "permits.db")

    return {"registry.db": of_postgres, "tax.db": of_mariadb, "insurance.db": lambda: len(service.asked), "permits.db": of_files}


async def test_one_call_to_each_system(city: City) -> None:
    before = {source: count() for source, count in city.asked.items()}
    answer = await city.ask()
    assert answer.data == EXPECTED
    assert {source: count() - before[source] for source, count in city.asked.items()} == dict.fromkeys(city.asked, 1)
    assert {code: state.state for code, state in answer.sources.items()} == dict.fromkeys(city.asked, "OK")
    assert answer.sources["permits.db"].as_of


@pytest.mark.parametrize("mode", TROUBLES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("place", range(3), ids=("postgresql", "mariadb", "rest"))
async def test_one_system_in_trouble(city: City, place: int, mode: Mode) -> None:
    """Everything before it in the chain is answered, no null is without its error, and it heals by itself."""
    source = f"{PLACES[place].partition('.')[0]}.db"
    city.proxies[source].switch(mode)
    answer = await city.ask()
    assert answer.data == ({"registry": None} if place == 0 else _expected(place - 1))
    assert answer.sources[source].state in ("FAILED", "TIMEOUT", "OPEN_CIRCUIT")
    assert {state.state for code, state in answer.sources.items() if code != source} <= {"OK"}
    assert {error.fault.code.value for error in answer.errors} <= {"SOURCE_UNAVAILABLE", "TIMEOUT"}
    assert len(answer.errors) == (1 if place == 0 else sum(1 for row in PEOPLE if row[1]))
    city.proxies[source].switch(Mode.PASS)
    await eventually(city.whole, "the whole answer is back")
