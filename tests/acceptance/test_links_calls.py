"""One answer over PostgreSQL, SQLite and a REST service: the calls are counted at each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from auth.rights import SharingClass
from connectors.selection import Binding, Kind
from connectors.spi import SourceConfig
from schema.model import Department, Link, Resource, Snapshot
from tests.connectors.service import Service
from tests.connectors.service_server import served
from tests.connectors.stands.rest import rest_binding
from tests.schema.city import EVERY, item, rights
from tests.schema.linked import PLACE, WHO, granted, write_postgres, write_sqlite
from tests.schema.running import Hub
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
HEADS = ("52010219900517123X", "110101199901011234", None)
HOMES = [(1, "H1", "云岩区", 3, HEADS[0]), (2, "H2", "南明区", None, HEADS[1]), (3, "H3", None, 5, HEADS[2])]
REGISTERED = Resource(
    code="social.person",
    department="social",
    name="参保人",
    plural="persons",
    source="social.service",
    binding=rest_binding(),
    identifiers=("id_number",),
    stable_key="record_no",
    stable_kind=Kind.BIGINT,
    items={each.code: each for each in (item("id_number", "id_number"), item("name", "name"), item("district", "district"))},
    sharing_class=SharingClass.CONDITIONAL,
    operations=EVERY,
)
EVERYTHING = rights(
    *(granted(each) for each in (WHO, PLACE, REGISTERED)),
    scopes=frozenset(f"{operation.scope_prefix}:{each.code}" for each in (WHO, PLACE, REGISTERED) for operation in EVERY),
)
QUERY = """{ civilAffairs { persons {
  nodes { name a: household { address headPerson { name } } b: household { members headPerson { district } } }
  edges { node { household { x: headPerson { idNumber } } } } } } }"""


@dataclass
class City:
    """A hub over three kinds of sources, and what each was asked."""

    hub: Hub
    server: Postgres
    schema: str
    service: Service

    def statements(self) -> int:
        """Statements that PostgreSQL was sent about the persons."""
        return sum(f"{self.schema}person" in line.replace('"', "") and "FROM" in line for line in self.server.logged().splitlines())


@pytest.fixture
async def three(request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path) -> AsyncIterator[City]:
    schema = await write_postgres(postgres.url())
    service = Service()
    place = replace(PLACE, source="civil_affairs.homes", links=(Link("head_person", "head", REGISTERED.code, "id_number"),))
    who = replace(WHO, binding=Binding(f"{schema}person"))
    departments = {code: Department(code, code) for code in ("civil_affairs", "social")}
    with served(request, service.application()) as address:
        sources = {
            WHO.source: SourceConfig(WHO.source, "sql", postgres.url()),
            place.source: SourceConfig(place.source, "sql", write_sqlite(tmp_path / "homes.db", homes=HOMES)),
            REGISTERED.source: SourceConfig(REGISTERED.source, "rest", address),
        }
        hub = Hub(Snapshot(1, departments, sources, {each.code: each for each in (who, place, REGISTERED)}))
        yield City(hub, postgres, schema, service)
        await hub.close()


async def test_one_call_for_each_source_and_level(three: City) -> None:
    answer = await three.hub.ask(EVERYTHING, QUERY)
    assert not answer.errors
    page = answer.data["civilAffairs"]["persons"]
    assert page["nodes"][0] == {
        "name": "张三",
        "a": {"address": "云岩区", "headPerson": {"name": "王小明"}},
        "b": {"members": "3", "headPerson": {"district": "520102"}},
    }
    assert [node["a"] and node["a"]["address"] for node in page["nodes"]] == ["云岩区", "云岩区", "南明区", None, None, None]
    assert page["edges"][2]["node"]["household"]["x"] == {"idNumber": HEADS[1]}
    assert three.statements() == 1
    assert [set(asked["ids"].split(",")) for asked in three.service.asked] == [set(HEADS[:2])]
    assert {code: state.state for code, state in answer.sources.items()} == dict.fromkeys(three.hub.snapshot.sources, "OK")


@pytest.mark.parametrize("page", [1, 6])
async def test_calls_do_not_grow_with_the_page(three: City, page: int) -> None:
    await three.hub.ask(EVERYTHING, QUERY.replace("persons {", f"persons(first: {page}) {{"))
    assert (three.statements(), len(three.service.asked)) == (1, 1)


async def test_a_dead_source_costs_only_its_own_fields(three: City) -> None:
    await three.hub.source(REGISTERED.source).close()
    three.hub.snapshot = replace(
        three.hub.snapshot, sources={**three.hub.snapshot.sources, REGISTERED.source: SourceConfig(REGISTERED.source, "rest", "http://127.0.0.1:9")}
    )
    del three.hub.opened[REGISTERED.source]
    answer = await three.hub.ask(EVERYTHING, "{ civilAffairs { persons { nodes { name household { address headPerson { name } } } } } }")
    nodes = answer.data["civilAffairs"]["persons"]["nodes"]
    assert [node["household"] and node["household"]["address"] for node in nodes] == ["云岩区", "云岩区", "南明区", None, None, None]
    assert sorted(error.path for error in answer.errors) == [("civilAffairs", "persons", "nodes", i, "household", "headPerson") for i in (0, 1, 2)]
    assert answer.sources[REGISTERED.source].state == "FAILED"
