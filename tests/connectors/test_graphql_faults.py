"""GraphQL sources in trouble: partial answers, errors, garbage, wrong descriptions and configurations. Each says what and how to mend it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.errors import ConfigFault, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.graphql.remote import parse_remote
from connectors.graphql.rows import Answer, items
from connectors.registry import open_source
from connectors.selection import UNDELIVERABLE, Column, Kind, Order, Selection, Undeliverable
from connectors.spi import SourceConfig
from tests.connectors.graphql_service import Service
from tests.connectors.people import PEOPLE, columns
from tests.connectors.stands.graphql import remote_binding
from tests.connectors.test_graphql import HUB, LIST, Opening, service
from tests.servers.postgres import free_port

__all__ = ["service"]
pytestmark = [pytest.mark.anyio, pytest.mark.slow]
CELLS = remote_binding("cells", style="list", scalars={"Money": "decimal"})
NUMBER = Column("record_no", Kind.BIGINT)


async def test_an_error_of_one_value_costs_that_value(service: tuple[Service, Opening]) -> None:
    _, opening = service
    wanted = (NUMBER, Column("name", Kind.STRING), Column("home.district", Kind.STRING), Column("price", Kind.DECIMAL))
    rows = await opening().fetch(Selection(CELLS, wanted), {})
    assert rows == [(n, "王小明" if n == 1 else UNDELIVERABLE if n == 2 else "古丽米热·阿不都", "南明", "12.50") for n in (1, 2, 3)]
    assert isinstance(rows[1][1], Undeliverable)


async def test_an_error_inside_an_object_costs_its_values(service: tuple[Service, Opening]) -> None:
    _, opening = service
    rows = await opening().fetch(Selection(CELLS, (NUMBER, Column("home.city", Kind.STRING), Column("home.district", Kind.STRING))), {})
    assert [row[1] for row in rows] == ["贵阳", "贵阳", UNDELIVERABLE]
    assert isinstance(rows[2][1], Undeliverable)


async def test_an_object_that_is_lost_to_an_error_is_told_of(service: tuple[Service, Opening]) -> None:
    _, opening = service
    rows = await opening().fetch(Selection(remote_binding("bubbling", style="list"), (NUMBER, Column("name", Kind.STRING))), {})
    assert [row[1] for row in rows] == ["甲", UNDELIVERABLE, "丙"]
    assert all(isinstance(value, Undeliverable) for value in rows[1])


async def test_a_value_of_another_kind_is_undeliverable_alone(service: tuple[Service, Opening]) -> None:
    _, opening = service
    rows = await opening().fetch(Selection(HUB, (NUMBER, Column("name", Kind.DATE)), None, (Order("record_no", Kind.BIGINT, nullable=False),)), {})
    assert [row[0] for row in rows] == [row[0] for row in PEOPLE]
    assert [row[1] is None or isinstance(row[1], Undeliverable) for row in rows] == [True] * len(PEOPLE)


async def test_decimals_that_are_numbers_keep_their_digits(service: tuple[Service, Opening]) -> None:
    _, opening = service
    rows = await opening("/numbers").fetch(Selection(CELLS, (NUMBER, Column("price", Kind.DECIMAL))), {})
    assert rows == [(n, "12345678901234567890.10") for n in (1, 2, 3)]


async def test_a_lone_surrogate_costs_its_value(service: tuple[Service, Opening]) -> None:
    _, opening = service
    rows = await opening("/surrogate").fetch(Selection(HUB, columns("record_no", "name")), {})
    assert isinstance(rows[0][1], Undeliverable)
    assert rows[1] == (2, "欧阳修")


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("TIMEOUT", SourceTimeout, "in time"),
        ("SOURCE_UNAVAILABLE", SourceUnavailable, "cannot answer now"),
        ("RATE_LIMITED", SourceUnavailable, "cannot answer now"),
        ("UNAUTHENTICATED", SourceRefused, "check `secret`"),
        ("FORBIDDEN", SourceRefused, "grant"),
        ("PURPOSE_REQUIRED", SourceRefused, "declare their use"),
        ("PURPOSE_NOT_GRANTED", SourceRefused, "`purposes`"),
        ("QUERY_BUDGET", SourceRefused, "max_page"),
        ("INVALID_DOCUMENT", SourceRefused, "compare the manifest"),
        ("LOOP", SourceRefused, "each other's source"),
        ("SECRET_TEXT", SourceRefused, "reports an error"),
    ],
)
@pytest.mark.parametrize("status", [200, 403])
async def test_errors_without_data(service: tuple[Service, Opening], code: str, kind: type[SourceFault], says: str, status: int) -> None:
    made, opening = service
    made.errors, made.status = [{"message": "secret text", "extensions": {"code": code}}], status
    with pytest.raises(kind) as fault:
        await opening().count(Selection(HUB, ()), {})
    assert type(fault.value) is kind or code == "INVALID_DOCUMENT"
    assert says in str(fault.value)
    assert "secret" not in str(fault.value).lower().replace("check `secret`", "")


async def test_a_list_that_failed(service: tuple[Service, Opening]) -> None:
    _, opening = service
    with pytest.raises(SourceUnavailable, match="cannot answer now"):
        await opening().fetch(Selection(remote_binding("gone", style="list"), columns("name")), {})


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("/huge", SourceRefused, "larger than 8 MiB"),
        ("/text", SourceRefused, "no JSON"),
        ("/elsewhere", SourceRefused, "not followed"),
        ("/status/503", SourceUnavailable, "status 503"),
        ("/status/404", SourceRefused, "status 404"),
        ("/status/401", SourceRefused, "check `secret`"),
        ("/status/200", SourceRefused, "none of GraphQL"),
    ],
)
async def test_answers_that_are_none(service: tuple[Service, Opening], path: str, kind: type[SourceFault], says: str) -> None:
    _, opening = service
    source = opening(path)
    with pytest.raises(kind, match=says):
        await source.count(Selection(HUB, ()), {})
    check = await source.check()
    assert not check.ok
    assert check.hint


async def test_a_service_that_is_not_there() -> None:
    source = open_source(SourceConfig("a.b", "graphql", f"http://127.0.0.1:{free_port()}/graphql"))
    with pytest.raises(SourceUnavailable, match="not reachable"):
        await source.count(Selection(HUB, ()), {})
    await source.close()


async def test_pages_that_do_not_go_on(service: tuple[Service, Opening]) -> None:
    _, opening = service
    with pytest.raises(SourceRefused, match="repeats a cursor"):
        await opening().fetch(Selection(remote_binding("register.looping", max_page=2), columns("name")), {})


async def test_what_another_hub_masks_is_not_compared(service: tuple[Service, Opening]) -> None:
    made, opening = service
    made.extensions = {"masking": {"register.people.nodes.record_no": "NULL", "register.people.nodes.name": "NAME"}}
    source = opening()
    assert len(await source.fetch(Selection(HUB, columns("name")), {})) == len(PEOPLE)
    with pytest.raises(SourceRefused, match="masks record_no"):
        await source.fetch(Selection(HUB, columns("name"), None, (Order("record_no", Kind.BIGINT),)), {})


@pytest.mark.parametrize(
    ("remote", "column", "says"),
    [
        ({"field": "register.peple"}, "name", "peple does not exist in Register.* did you mean people"),
        ({"field": "nothing.people"}, "name", "nothing does not exist in Query"),
        ({"field": "register.people"}, "nmae", "nmae does not exist in Person.* did you mean name"),
        ({"field": "cells", "style": "list"}, "home", "is an object; name one of its fields, like home.name"),
        ({"field": "cells", "style": "list"}, "home.street", "street does not exist in Home"),
        ({"field": "cells", "style": "list"}, "tags", "is a list"),
        ({"field": "cells", "style": "list"}, "price", "scalars = {Money"),
        ({"field": "register.people"}, "height", "is Float in the service and string in the catalog; write type = .float"),
        ({"field": "people", "style": "list", "first": "first"}, "name", "argument first of people does not exist"),
        ({"field": "people", "style": "list", "filters": {"name": "nome"}}, "name", "argument nome does not exist"),
        ({"field": "allPeople", "style": "relay", "filters": {"name": "filter.by.nome"}}, "name", "By has no nome.* did you mean name"),
        ({"field": "people", "style": "list", "lookups": {"name": {"field": "one", "argument": "ids"}}}, "name", "no argument ids"),
        ({"field": "needs", "style": "list"}, "name", "needs the argument status; give its value in `arguments`"),
        ({"field": "people"}, "name", "no argument first, as another hub's has"),
        ({"field": "allPeople", "style": "list", "first": "first"}, "name", "no list on the way"),
        ({"field": "one", "style": "list"}, "name", "no list on the way"),
        ({"field": "people", "style": "list", "offset": "offset"}, "name", "`offset` needs `first`"),
        ({"field": "register.people", "keys": {"name": {"argument": "names"}}}, "name", "style huitong takes no keys"),
        ({"field": "register people"}, "name", "remote: field"),
    ],
)
async def test_wrong_descriptions_name_the_field_and_the_remedy(service: tuple[Service, Opening], remote: dict[str, Any], column: str, says: str) -> None:
    _, opening = service
    binding = remote_binding(**remote)
    with pytest.raises(SourceRefused, match=says):
        await opening().fetch(Selection(binding, (Column(column, Kind.STRING),)), {})


async def test_a_health_check_looks_at_lists_that_were_tried(service: tuple[Service, Opening]) -> None:
    _, opening = service
    source = opening()
    assert (await source.check()).ok
    with pytest.raises(SourceRefused):
        await source.count(Selection(remote_binding("register.peple"), ()), {})
    check = await source.check()
    assert not check.ok
    assert "peple does not exist" in check.message


async def test_a_health_check_asks_for_nothing_else(service: tuple[Service, Opening]) -> None:
    made, opening = service
    source = opening()
    await source.count(Selection(HUB, ()), {})
    known, asked = made.introspected, len(made.asked)
    assert (await source.check()).ok
    assert (made.introspected, len(made.asked)) == (known, asked + 1)


@pytest.mark.parametrize("token_url", [None, "/oauth/token"])
async def test_client_credentials(service: tuple[Service, Opening], monkeypatch: pytest.MonkeyPatch, token_url: str | None) -> None:
    made, opening = service
    made.token = "none yet"
    monkeypatch.setenv("COUNTY", "s/cret")
    oauth = {} if token_url is None else {"oauth": {"token_url": f"{made.address}{token_url}"}}
    source = opening(secret="env:COUNTY", options={"auth": "oauth", "client_id": "city:1", **oauth})
    assert await source.count(Selection(HUB, ()), {}) == len(PEOPLE)
    assert await source.count(Selection(HUB, ()), {}) == len(PEOPLE)
    assert made.tokens == 1
    # A token that is not taken any more is replaced, once.
    made.token = "another"
    assert await source.count(Selection(HUB, ()), {}) == len(PEOPLE)
    assert made.tokens == 2


async def test_wrong_credentials(service: tuple[Service, Opening], monkeypatch: pytest.MonkeyPatch) -> None:
    made, opening = service
    made.token = "right"
    monkeypatch.setenv("COUNTY", "city:wrong")
    with pytest.raises(SourceRefused, match="check `secret`"):
        await opening(secret="env:COUNTY", options={"auth": "oauth"}).count(Selection(HUB, ()), {})
    with pytest.raises(SourceRefused, match="check `secret`"):
        await opening(secret="env:COUNTY", options={"auth": "bearer"}).count(Selection(HUB, ()), {})
    monkeypatch.setenv("COUNTY", "right")
    assert await opening(secret="env:COUNTY", options={"auth": "bearer"}).count(Selection(LIST, ()), {}) == len(PEOPLE)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "graphql.example"}, "no address"),
        ({"url": "http://user:pw@a.example/graphql"}, "credentials"),
        ({"url": "http://169.254.169.254/graphql"}, "metadata"),
        ({"options": {"auth": "basic"}}, "auth"),
        ({"options": {"auth": "oauth"}}, "needs a `secret`"),
        ({"options": {"purpose": {}}}, "purpose"),
        ({"options": {"purposes": {"a b": "c"}}}, "purposes"),
        ({"options": {"auth": "oauth", "oauth": {"token_url": "ftp://a"}}, "secret": "env:PATH"}, "token_url"),
        ({"options": {"auth": "oauth"}, "secret": "env:NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE"),
    ],
)
async def test_wrong_configurations(changes: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {"code": "a.b", "kind": "graphql", "url": "http://a.example/graphql", **changes}
    with pytest.raises(ConfigFault) as fault:
        open_source(SourceConfig(**given))
    assert says in fault.value.message
    assert fault.value.hint


@pytest.mark.fast
async def test_names_cannot_leave_their_place_in_a_document() -> None:
    for field in ("a{b}", "a(b:1)", "a b", "a.", "", "a.b c", "__typename}"):
        with pytest.raises(ConfigFault):
            parse_remote(json.dumps({"field": field}))


async def test_a_list_of_what_is_no_object_is_refused() -> None:
    """A null is nothing; a scalar where an object belongs would be a row lost in silence."""
    columns = (Column("name", Kind.STRING),)
    assert items("a.b", Answer({"people": [None, {"name": "王"}]}, ()), ("people",), (), (), columns) == [("王",)]
    for wrong in (5, "x", [{}], True):
        with pytest.raises(SourceRefused, match="no object"):
            items("a.b", Answer({"people": [{"name": "王"}, wrong]}, ()), ("people",), (), (), columns)
