"""REST services: what is pushed down, how much is read, and answers that are not what the catalog says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import pytest

from connectors.errors import ConfigFault, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.rest import RestConnector
from connectors.rest.faults import parse_endpoint
from connectors.selection import Binding, Column, Compare, Comparison, Every, Kind, Match, Order, Selection, Value
from connectors.spi import Source, SourceConfig
from tests.connectors.people import KINDS, PEOPLE, columns
from tests.connectors.service import Service
from tests.connectors.stands.rest import rest_binding
from tests.servers.http import serving
from tests.servers.postgres import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

STABLE = (Order("record_no", Kind.BIGINT, nullable=False),)


@dataclass
class Running:
    service: Service
    config: SourceConfig


@pytest.fixture
def running() -> Iterator[Running]:
    """A service whose requests can be read."""
    service = Service()
    with serving(service.application()) as address:
        yield Running(service, SourceConfig("city.register", "rest", address, timeout_ms=1000))


@pytest.fixture
async def source(running: Running) -> AsyncIterator[Source]:
    opened = RestConnector().open(running.config)
    yield opened
    await opened.close()


def equal(column: str, comparison: Comparison = Comparison.EQ) -> Compare:
    return Compare(column, KINDS[column], comparison, "v")


async def test_a_page_in_the_service_s_order_is_one_request_of_its_size(running: Running, source: Source) -> None:
    selection = Selection(rest_binding(), columns("name"), equal("district"), STABLE, ("a",), "n")
    assert await source.fetch(selection, {"v": "520102", "a": 1, "n": 2}) == [("欧阳修",), ("",)]
    assert running.service.asked == [{"district": "520102", "after": "1", "limit": "2", "offset": "0"}]


async def test_a_filter_that_the_service_lacks_reads_on_until_the_page_is_full(running: Running, source: Source) -> None:
    selection = Selection(rest_binding(), columns("record_no"), equal("age"), STABLE, limit="n")
    assert await source.fetch(selection, {"v": 7, "n": 2}) == [(4,), (7,)]
    assert [asked.get("after") for asked in running.service.asked] == [None, "4"]


async def test_another_order_reads_all(running: Running, source: Source) -> None:
    selection = Selection(rest_binding(), columns("record_no"), None, (Order("age", Kind.INTEGER, descending=True), *STABLE), limit="n")
    assert await source.fetch(selection, {"n": 2}) == [(1,), (3,)]
    assert len(running.service.asked) == 3


async def test_keys_go_in_lists(running: Running, source: Source) -> None:
    values: list[Value] = [row[1] for row in PEOPLE if row[1] is not None]
    found = await source.fetch_by_keys(
        Selection(rest_binding(keys={"id_number": {"parameter": "ids", "most": 2}}), columns("record_no")), {}, Column("id_number", Kind.STRING), values
    )
    assert found == {row[1]: [(row[0],)] for row in PEOPLE if row[1] is not None}
    assert [asked["ids"].count(",") for asked in running.service.asked] == [1, 1, 1, 1]


async def test_an_identifier_is_looked_up_by_the_service(running: Running, source: Source) -> None:
    selection = Selection(rest_binding(), (Match("name", Kind.STRING, "n"),), equal("id_number"))
    assert await source.fetch(selection, {"v": "520102850101123", "n": ("欧阳修",)}) == [(True,)]
    assert [asked["ids"] for asked in running.service.asked] == ["520102850101123"]


@pytest.mark.parametrize("value", [None, []])
async def test_what_equals_nothing_is_not_asked(running: Running, source: Source, value: Value) -> None:
    where = Every((equal("id_number", Comparison.EQ if value is None else Comparison.IN),))
    assert await source.fetch(Selection(rest_binding(), columns("record_no"), where), {"v": value}) == []
    assert running.service.asked == []


async def test_a_service_that_ignores_a_filter_shows_nothing_more(source: Source) -> None:
    ignored = rest_binding(filters={"age": "unknown_to_the_service"})
    assert await source.fetch(Selection(ignored, columns("record_no"), equal("age"), STABLE), {"v": 7}) == [(4,), (7,), (9,)]


async def test_a_service_that_ignores_the_position_is_refused(source: Source) -> None:
    ignored = rest_binding(after="behind")
    with pytest.raises(SourceRefused, match="do not ascend by record_no"):
        await source.fetch(Selection(ignored, columns("record_no"), None, STABLE, ("a",), "n"), {"a": 3, "n": 2})


async def test_more_rows_than_allowed_are_refused_with_a_remedy(running: Running) -> None:
    source = RestConnector().open(replace(running.config, local_rows=6))
    with pytest.raises(SourceRefused, match="filter by equality on one of: district, id_number"):
        await source.fetch(Selection(rest_binding(), columns("record_no"), equal("age"), STABLE), {"v": 7})
    assert len(running.service.asked) == 2
    assert len(await source.fetch(Selection(rest_binding(), columns("record_no"), equal("district"), STABLE), {"v": "520102"})) == 3
    await source.close()


async def test_the_service_counts_where_it_can(running: Running, source: Source) -> None:
    counting = rest_binding(count={"parameter": "total", "total": "meta.total"})
    assert await source.count(Selection(counting, (), equal("district")), {"v": "520102"}) == 3
    assert running.service.asked == [{"district": "520102", "total": "true", "limit": "1", "offset": "0"}]
    assert await source.count(Selection(counting, (), equal("age")), {"v": 7}) == 3
    with pytest.raises(SourceRefused, match="total"):
        await source.count(Selection(rest_binding(count={"parameter": "total", "total": "nowhere"}), ()), {})


async def test_columns_are_dotted_paths(source: Source) -> None:
    nested = Binding("/nested", json.dumps({"path": "/nested", "limit": "limit", "offset": "offset", "max_page": 5}))
    outputs = (Column("person.name", Kind.STRING), Column("number", Kind.BIGINT), Column("person.name.first", Kind.STRING))
    assert (await source.fetch(Selection(nested, outputs, None, (), (), "n"), {"n": 2})) == [("王小明", 1, None), ("欧阳修", 2, None)]
    assert {column.name for column in await source.describe(nested)} == {"person.name", "number"}


@pytest.mark.parametrize(
    ("column", "kind"),
    [("name", Kind.INTEGER), ("age", Kind.STRING), ("active", Kind.INTEGER), ("age", Kind.DATE), ("active", Kind.DECIMAL), ("height", Kind.BIGINT)],
)
async def test_a_value_of_another_type_is_refused_by_its_column_s_name(source: Source, column: str, kind: Kind) -> None:
    with pytest.raises(SourceRefused, match=f"sends {column} in another type") as caught:
        await source.fetch(Selection(rest_binding(), (Column(column, kind),)), {})
    assert "王" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "fault", "message"),
    [
        ("/backwards", SourceRefused, "do not ascend"),
        ("/huge", SourceRefused, "larger than 8 MiB"),
        ("/slow", SourceTimeout, "no answer in time"),
        ("/text", SourceRefused, "no JSON"),
        ("/elsewhere", SourceRefused, "redirects"),
        ("/status/401", SourceRefused, "does not admit"),
        ("/status/400", SourceRefused, "status 400"),
        ("/status/429", SourceUnavailable, "status 429"),
        ("/status/503", SourceUnavailable, "status 503"),
    ],
)
async def test_faults_of_a_service(source: Source, path: str, fault: type[SourceFault], message: str) -> None:
    with pytest.raises(fault, match=message):
        await source.fetch(Selection(rest_binding(path), columns("record_no")), {})
    assert len(await source.fetch(Selection(rest_binding(), columns("record_no")), {})) == len(PEOPLE)


async def test_an_answer_of_another_shape_is_refused(source: Source) -> None:
    for items in ("meta", "nowhere", "items.deep"):
        with pytest.raises(SourceRefused, match=f"no array at {items}"):
            await source.fetch(Selection(rest_binding(items=items), columns("record_no")), {})


async def test_a_service_that_is_down_is_told() -> None:
    source = RestConnector().open(SourceConfig("city.register", "rest", f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(SourceUnavailable, match="not reachable"):
        await source.fetch(Selection(rest_binding(), columns("record_no")), {})
    assert not (await source.check()).ok
    await source.close()


async def test_the_secret_is_sent_only_when_asked_for(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_TEST_SECRET", "open-sesame")
    for options in ({}, {"auth": "bearer"}):
        source = RestConnector().open(replace(running.config, secret="env:HUITONG_TEST_SECRET", options=options))
        await source.fetch(Selection(rest_binding(max_page=100), columns("record_no")), {})
        await source.close()
    assert running.service.tokens == [None, "Bearer open-sesame"]


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "//elsewhere.example"},
        {"path": "/a/../b"},
        {"path": "people"},
        {"path": "/a?b=c"},
        {"max_page": 0},
        {"limits": "x"},
        {"sorted_by": None},
        {"filters": {"a": 1}},
    ],
)
async def test_a_wrong_description_is_refused(source: Source, changes: dict[str, object]) -> None:
    wrong = rest_binding(**changes)  # type: ignore[arg-type]
    with pytest.raises(ConfigFault, match="endpoint: ") as caught:
        parse_endpoint(wrong.options)
    assert caught.value.hint
    with pytest.raises(SourceRefused, match="endpoint: "):
        await source.fetch(Selection(wrong, columns("record_no")), {})
