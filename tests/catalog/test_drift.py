"""Drift between the published catalog and its sources (CAT-11, COL-10)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from graphql import build_schema, graphql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hub.catalog.drift import Found, find_drift
from hub.core import Core
from tests.catalog.drafts import NASTY, drafted, write
from tests.catalog.homes import publish
from tests.connectors.service_server import servers
from tests.servers.postgres import Postgres

__all__ = ["servers"]

pytestmark = pytest.mark.anyio
ENDPOINT = '[resources.endpoint]\npath = "/t"\npaging = {style = "none"}\n'


async def drift(core: Core) -> Found:
    """Of everything that is published."""
    snapshot = core.catalog.current()
    return await find_drift(snapshot.sources, list(snapshot.resources.values()))


def told(found: Found) -> list[tuple[str, str, str]]:
    return [(each.resource, each.column, each.change) for each in found.drifts]


def change(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(script)


@pytest.mark.slow
async def test_what_was_drafted_and_published_has_no_drift(core: Core, tmp_path: Path) -> None:
    publish(core, (await drafted(write(tmp_path / "nasty.db", NASTY))).text)
    found = await drift(core)
    assert (found.drifts, found.unasked, found.checked) == ([], [], 11)


@pytest.mark.slow
async def test_columns_that_came_and_went_are_told(core: Core, tmp_path: Path) -> None:
    publish(core, (await drafted(write(tmp_path / "nasty.db", NASTY))).text)
    change(tmp_path / "nasty.db", "DROP VIEW broken; DROP VIEW no_key; ALTER TABLE customers DROP COLUMN status; ALTER TABLE orders RENAME TO sales")
    change(tmp_path / "nasty.db", "ALTER TABLE customers ADD COLUMN salary INTEGER")
    found = await drift(core)
    assert sorted(told(found)) == [
        ("archive.customer", "salary", "COLUMN_NEW"),
        ("archive.customer", "status", "COLUMN_GONE"),
        ("archive.order_n2", "", "OBJECT_GONE"),
    ]
    assert found.checked == 11
    assert all(each.remedy for each in found.drifts)


@pytest.mark.slow
async def test_columns_that_are_known_and_not_shared_are_no_drift(core: Core, tmp_path: Path) -> None:
    url = write(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)")
    text = (await drafted(url)).text
    left = text.replace('stable_key = "id"', 'stable_key = "id"\nleft_out = ["c"]')
    change(tmp_path / "t.db", "ALTER TABLE t ADD COLUMN c TEXT")
    publish(core, text)
    assert told(await drift(core)) == [("archive.t", "c", "COLUMN_NEW")]
    publish(core, left)
    assert told(await drift(core)) == []


@pytest.mark.slow
async def test_a_source_that_cannot_be_asked_is_no_drift(core: Core, tmp_path: Path) -> None:
    publish(core, (await drafted(write(tmp_path / "nasty.db", NASTY))).text)
    (tmp_path / "nasty.db").unlink()
    found = await drift(core)
    assert (found.drifts, found.checked) == ([], 0)
    assert [(each.source, len(each.resources)) for each in found.unasked] == [("archive.main", 11)]
    assert found.unasked[0].message.startswith("数据源无法访问 archive.main: ")


@pytest.mark.slow
async def test_files_without_a_good_delivery_hide_no_others(core: Core, tmp_path: Path) -> None:
    """However many stand side by side: they say nothing of the source."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.csv").write_text("id,x\n1,2\n", encoding="utf-8")
    text = (await drafted(str(folder), kind="files")).text
    publish(core, text)
    for name in "bc":
        (folder / f"{name}.csv").write_bytes(b'id,x\n1,"2')
    found = await drift(core)
    assert [each.resources for each in found.unasked] == [("archive.b",), ("archive.c",)]
    assert (found.drifts, found.checked) == ([], 2)


@pytest.mark.slow
async def test_why_is_told_in_both_languages(core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = write(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    text = (await drafted(url)).text
    publish(core, text)
    change(tmp_path / "t.db", "DROP TABLE t")
    found = await drift(core)
    assert told(found) == [("archive.t", "", "OBJECT_GONE")]
    assert found.drifts[0].source.startswith("数据源拒绝访问、没有此对象或应答有误 archive.main: ")
    monkeypatch.delenv("NOWHERE", raising=False)
    publish(core, text.replace('kind = "sql"', 'kind = "rest"\nauth = "bearer"\nsecret = "env:NOWHERE"').replace(url, "http://127.0.0.1:1") + ENDPOINT)
    found = await drift(core)
    assert (found.drifts, found.unasked[0].message.startswith("数据源的配置不可用 archive.main: ")) == ([], True)
    assert found.unasked[0].remedy.startswith("请更正配置 ")


@pytest.mark.slow
async def test_types_and_nulls_that_changed_are_told(core: Core, postgres: Postgres) -> None:
    schema = f"d{uuid4().hex}"
    owner = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    await owner.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}")
    await owner.execute("CREATE TABLE t (id integer PRIMARY KEY, day date NOT NULL, amount numeric(9, 2) NOT NULL, note text, size smallint)")
    publish(core, (await drafted(postgres.url(), only=[f"{schema}.*"])).text)
    assert told(await drift(core)) == []
    await owner.execute(
        "ALTER TABLE t ALTER day TYPE text, ALTER amount DROP NOT NULL, ALTER note TYPE varchar(9), ALTER size TYPE bigint, ALTER id TYPE bigint"
    )
    await owner.close()
    found = await drift(core)
    assert told(found) == [
        ("archive.t", "id", "TYPE"),
        ("archive.t", "day", "TYPE"),
        ("archive.t", "amount", "NULLABLE"),
        ("archive.t", "size", "TYPE"),
    ]
    assert (found.drifts[1].catalog, found.drifts[1].source) == ("date", "text")


@pytest.mark.slow
async def test_a_type_that_can_only_be_shown_is_told_where_it_is_to_be_compared(core: Core, postgres: Postgres) -> None:
    schema = f"d{uuid4().hex}"
    owner = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    await owner.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}; CREATE TABLE t (id integer PRIMARY KEY, opens text, shuts text UNIQUE)")
    await owner.execute("CREATE INDEX ON t (opens)")
    publish(core, (await drafted(postgres.url(), only=[f"{schema}.*"])).text)
    assert told(await drift(core)) == []
    await owner.execute("ALTER TABLE t ALTER opens TYPE time USING opens::time, ALTER shuts TYPE inet USING shuts::inet")
    await owner.close()
    found = await drift(core)
    assert told(found) == [("archive.t", "opens", "COMPARED"), ("archive.t", "shuts", "COMPARED")]
    assert (found.drifts[0].catalog, found.drifts[0].source) == ("filterable", "time without time zone")


@pytest.mark.slow
async def test_columns_within_lists_and_rows_that_are_lists_are_there(core: Core, tmp_path: Path, servers: Callable[[ASGIApp], str]) -> None:
    items: list[object] = [{"id": 1, "phones": [{"number": "1"}], "b": "x"}, {"id": 2, "phones": [], "b": None}]

    async def answered(_request: Request) -> JSONResponse:
        return JSONResponse(items)

    url = write(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)")
    text = (await drafted(url)).text.replace('kind = "sql"', 'kind = "rest"').replace(url, servers(Starlette(routes=[Route("/t", answered)])))
    text = text.replace('column = "a"', 'column = "phones.0.number"').replace("[[resources.items]]", f"{ENDPOINT}\n[[resources.items]]", 1)
    publish(core, text)
    assert told(await drift(core)) == []
    del items[:]
    items += [{"id": 1, "b": "x"}]
    assert told(await drift(core)) == [("archive.t", "phones.0.number", "COLUMN_GONE")]
    items[:] = [{"id": 1, "b": "x", "phones": "1"}]
    assert told(await drift(core)) == [("archive.t", "phones.0.number", "COLUMN_GONE"), ("archive.t", "phones", "COLUMN_NEW")]
    items[:] = [{"id": 1, "b": "x", "phones": None}]
    assert told(await drift(core)) == []
    items[:] = [[1, "1"], [2, None]]
    for place, name in enumerate(("id", "phones.0.number", "b")):
        text = text.replace(f'column = "{name}"', f'column = "{place}"').replace(f'stable_key = "{name}"', f'stable_key = "{place}"')
    publish(core, text)
    assert told(await drift(core)) == [("archive.t", "2", "COLUMN_GONE")]


@pytest.mark.slow
async def test_columns_within_objects_of_another_graphql_service_are_there(core: Core, tmp_path: Path, servers: Callable[[ASGIApp], str]) -> None:
    text = await remote(tmp_path, servers)
    publish(core, text)
    found = await drift(core)
    assert told(found) == [("archive.t", "c", "COLUMN_GONE"), ("archive.t", "b", "COLUMN_NEW")], found


async def remote(tmp_path: Path, servers: Callable[[ASGIApp], str]) -> str:
    """A manifest of a GraphQL service that has people, whose ``c`` it has not."""
    schema = build_schema("type Query { people: [Person!]! } type Person { id: Int! home: Home b: String } type Home { city: String rooms: Int }")

    async def answered(request: Request) -> JSONResponse:
        content = await request.json()
        return JSONResponse({"data": (await graphql(schema, content["query"], variable_values=content.get("variables"))).data})

    url = write(tmp_path / "t.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, c TEXT)")
    address = servers(Starlette(routes=[Route("/{path:path}", answered, methods=["POST"])]))
    text = (await drafted(url)).text.replace('kind = "sql"', 'kind = "graphql"').replace(url, f"{address}/graphql")
    described = '[resources.remote]\nfield = "people"\nstyle = "list"\n'
    return text.replace('column = "a"', 'column = "home.city"').replace("[[resources.items]]", f"{described}\n[[resources.items]]", 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "kind", "changes"),
    [
        *((column, kind, []) for column, kind in (("b", "datetime"), ("b", "decimal"), ("b", "bigint"), ("id", "float"), ("home.rooms", "integer"))),
        *((column, kind, ["TYPE"]) for column, kind in (("b", "boolean"), ("b", "integer"), ("id", "date"))),
    ],
)
async def test_a_type_of_graphql_is_as_good_as_all_that_its_values_can_be_read_as(
    core: Core, tmp_path: Path, servers: Callable[[ASGIApp], str], column: str, kind: str, changes: list[str]
) -> None:
    text = await remote(tmp_path, servers)
    text = text.replace('column = "c"', f'column = "{column}"').replace('name_en = "C"\ntype = "string"', f'name_en = "C"\ntype = "{kind}"')
    publish(core, text)
    assert [each.change for each in (await drift(core)).drifts if each.change == "TYPE"] == changes


@pytest.mark.slow
async def test_a_fault_of_one_resource_hides_no_other_and_two_in_a_row_are_the_sources(core: Core, tmp_path: Path, servers: Callable[[ASGIApp], str]) -> None:
    broken = {"/b"}

    async def answered(request: Request) -> Response:
        return Response(status_code=500) if request.url.path in broken else JSONResponse([{"id": 1, "x": 2}])

    url = write(tmp_path / "t.db", "".join(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY);" for name in "abcd"))
    text = (await drafted(url)).text.replace('kind = "sql"', 'kind = "rest"').replace(url, servers(Starlette(routes=[Route("/{path}", answered)])))
    for name in "abcd":
        text = text.replace(f'object = "{name}"', f'object = "{name}"\nendpoint = {{path = "/{name}", paging = {{style = "none"}}}}')
    publish(core, text)
    found = await drift(core)
    assert told(found) == [(f"archive.{name}", "x", "COLUMN_NEW") for name in "acd"]
    assert [each.resources for each in found.unasked] == [("archive.b",)]
    broken.add("/c")
    found = await drift(core)
    assert [each.resources for each in found.unasked] == [("archive.b", "archive.c", "archive.d")]
    assert found.checked == 1
