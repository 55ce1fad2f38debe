"""A published catalog tried out as a caller would who knows nothing of it: by introspection, then every list, look-up, link, filter and order."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from graphql import get_introspection_query

from hub.app import Hub
from hub.core import Core
from schema.naming import pascal
from tests.catalog.homes import CONSOLE

PURPOSE = {"code": "trial", "scenario": "试用", "basis": "条例第十条"}
LEAVES = ("SCALAR", "ENUM")


@dataclass
class Tried:
    """How much was asked and answered without an error."""

    lists: int = 0
    rows: int = 0
    look_ups: int = 0
    links: int = 0
    followed: int = 0
    """Rows found at links' ends."""
    filters: int = 0
    orders: int = 0
    faults: list[str] = field(default_factory=list)


class Caller:
    """An application with a grant on everything, in clear."""

    def __init__(self, client: httpx2.AsyncClient, token: str, departments: Iterable[str]) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}", "Huitong-Purpose": PURPOSE["code"], "Huitong-Operator": "tester"}
        self.departments = departments
        self.types: dict[str, Any] = {}
        self.tried = Tried()

    async def ask(self, document: str) -> dict[str, Any]:
        """The whole answer."""
        answer = await self._client.post("/graphql", content=json.dumps({"query": document}), headers={**self._headers, "Content-Type": "application/json"})
        content: dict[str, Any] = answer.json()
        return content

    async def data(self, document: str) -> dict[str, Any]:
        """``data``; errors are noted."""
        content = await self.ask(document)
        if content.get("errors"):
            self.tried.faults.append(f"{document} → {content['errors'][0]['message']} {content['errors'][0].get('path')}")
        return content.get("data") or {}

    async def introspect(self) -> Mapping[str, str]:
        """Fields of ``Query`` that are departments → their types."""
        schema = (await self.data(get_introspection_query()))["__schema"]
        self.types = {each["name"]: each for each in schema["types"]}
        departments = {pascal(code) for code in self.departments}
        found = {each["name"]: bare(each["type"])["name"] for each in self.types["Query"]["fields"]}
        return {name: kind for name, kind in found.items() if kind in departments}


def bare(kind: Mapping[str, Any]) -> Mapping[str, Any]:
    """A type without lists and non-nulls around it."""
    while kind.get("ofType"):
        kind = kind["ofType"]
    return kind


def _is_list(each: Mapping[str, Any]) -> bool:
    return str(bare(each["type"])["name"]).endswith("Connection")


async def exercise(core: Core) -> Tried:
    """Asks for everything that the catalog shows to an application that is granted all of it."""
    async with calling(core) as caller:
        departments = await caller.introspect()
        for name, kind in departments.items():
            for each in caller.types[kind]["fields"]:
                if _is_list(each):
                    await _list(caller, name, each)
            for each in caller.types[kind]["fields"]:
                if not each["name"].startswith("verify") and not each["name"].endswith("Aggregate") and not _is_list(each):
                    await _look_up(caller, name, each)
        return caller.tried


@asynccontextmanager
async def calling(core: Core) -> AsyncIterator[Caller]:
    """A hub in this process, and the caller."""
    owner = next(iter(core.catalog.current().departments))
    made = core.sharing.create_application(CONSOLE, "trial", owner, [PURPOSE], [])
    for resource in core.catalog.current().resources.values():
        _grant(core, resource.code, list(resource.items), resource.identifiers)
    core.registry.refresh()
    hub = Hub(core)
    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=hub), base_url=core.settings.url, timeout=60)
    async with hub._rest.router.lifespan_context(hub._rest), client:
        answer = await client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(made.client_id, made.client_secret))
        yield Caller(client, answer.json()["access_token"], core.catalog.current().by_department)


def _grant(core: Core, resource: str, items: list[str], keys: tuple[str, ...]) -> None:
    # A link needs its own item as a key as well.
    links = {link.item for link in core.catalog.current().resources[resource].links}
    granted = [{"code": code, "value": "CLEAR", "key": code in keys or code in links} for code in items]
    given = {
        "application": "trial",
        "resource": resource,
        "operations": ["QUERY", "VERIFY"],
        "items": granted,
        "rows": None,
        "purposes": [PURPOSE],
        "per_claim": True,
        "discloses_existence": True,
        "max_page": 100,
        "quota": None,
        "documents": [],
        "approver": "王局长",
    }
    core.sharing.create_grant(CONSOLE, given)


async def _list(caller: Caller, department: str, each: Mapping[str, Any]) -> None:
    node = bare(next(f for f in caller.types[bare(each["type"])["name"]]["fields"] if f["name"] == "nodes")["type"])["name"]
    fields = caller.types[node]["fields"]
    leaves = [f["name"] for f in fields if bare(f["type"])["kind"] in LEAVES]
    links = [f for f in fields if bare(f["type"])["kind"] == "OBJECT"]
    inner = " ".join([*leaves, *(f"{f['name']} {{ {_leaf(caller, f)} }}" for f in links)])
    found = (await caller.data(f"{{ {department} {{ {each['name']}(first: 20) {{ totalCount nodes {{ {inner} }} }} }} }}")).get(department)
    rows = found[each["name"]]["nodes"] if found and found[each["name"]] else []
    caller.tried.lists += 1
    caller.tried.rows += len(rows)
    caller.tried.links += len(links)
    caller.tried.followed += sum(1 for row in rows for f in links if row[f["name"]])
    await _pages(caller, department, each["name"], leaves)
    await _filters(caller, department, each, rows)


def _leaf(caller: Caller, link: Mapping[str, Any]) -> str:
    fields = caller.types[bare(link["type"])["name"]]["fields"]
    return str(next(f["name"] for f in fields if bare(f["type"])["kind"] in LEAVES))


async def _pages(caller: Caller, department: str, name: str, leaves: list[str]) -> None:
    """Two pages of three rows go on where they end."""
    page = f"{{ nodes {{ {leaves[0]} }} pageInfo {{ endCursor hasNextPage }} }}"
    first = (await caller.data(f"{{ {department} {{ {name}(first: 3) {page} }} }}")).get(department)
    about = first[name]["pageInfo"] if first and first[name] else {}
    if about.get("hasNextPage"):
        await caller.data(f"{{ {department} {{ {name}(first: 3, after: {json.dumps(about['endCursor'])}) {page} }} }}")


async def _filters(caller: Caller, department: str, each: Mapping[str, Any], rows: list[dict[str, Any]]) -> None:
    arguments = {arg["name"]: bare(arg["type"])["name"] for arg in each["args"]}
    wheres = [f for f in caller.types[arguments["where"]]["inputFields"] if f["name"] not in ("and", "or", "not")] if "where" in arguments else []
    for found in wheres:
        caller.tried.filters += 1
        name, inputs = found["name"], {f["name"] for f in caller.types[bare(found["type"])["name"]]["inputFields"]}
        if "eq" not in inputs:
            await _linked_filter(caller, department, each["name"], name, inputs)
            continue
        value = next((row[name] for row in rows if row.get(name) is not None), None)
        where = f"{{{name}: {{isNull: true}}}}" if value is None else f"{{{name}: {{eq: {json.dumps(value, ensure_ascii=False)}}}}}"
        data = (await caller.data(f"{{ {department} {{ {each['name']}(first: 1, where: {where}) {{ totalCount nodes {{ {name} }} }} }} }}")).get(department)
        if value is not None and not (data and data[each["name"]] and data[each["name"]]["nodes"]):
            caller.tried.faults.append(f"{each['name']}: no row where {where}")
        caller.tried.orders += 1
        await caller.data(f"{{ {department} {{ {each['name']}(first: 1, orderBy: [{{{name}: DESC}}]) {{ nodes {{ {name} }} }} }} }}")


async def _linked_filter(caller: Caller, department: str, many: str, link: str, inputs: set[str]) -> None:
    """Filters through a link: rows whose linked row has some value, or none."""
    plain = sorted(name for name in inputs if name not in ("and", "or", "not"))
    await caller.data(f"{{ {department} {{ {many}(first: 1, where: {{{link}: {{not: {{and: []}}}}}}) {{ totalCount }} }} }}" if not plain else "{ __typename }")


async def _look_up(caller: Caller, department: str, each: Mapping[str, Any]) -> None:
    """By every identifier, with a value from the list."""
    lists = [f for f in caller.types[await _department(caller, department)]["fields"] if _is_list(f)]
    kind = bare(each["type"])["name"]
    many = next(f["name"] for f in lists if _node(caller, f) == kind)
    for arg in each["args"]:
        name = arg["name"]
        found = (await caller.data(f"{{ {department} {{ {many}(first: 20) {{ nodes {{ {name} }} }} }} }}")).get(department)
        value = next((row[name] for row in found[many]["nodes"] if row[name] is not None), None) if found and found[many] else None
        if value is None:
            continue
        caller.tried.look_ups += 1
        document = f"{{ {department} {{ {each['name']}({name}: {json.dumps(value, ensure_ascii=False)}) {{ {name} }} }} }}"
        data = (await caller.data(document)).get(department)
        if not data or not data[each["name"]] or data[each["name"]][name] != value:
            caller.tried.faults.append(f"{document} finds nothing")


def _node(caller: Caller, each: Mapping[str, Any]) -> str:
    return str(bare(next(f for f in caller.types[bare(each["type"])["name"]]["fields"] if f["name"] == "nodes")["type"])["name"])


async def _department(caller: Caller, name: str) -> str:
    query = next(each for each in caller.types["Query"]["fields"] if each["name"] == name)
    return str(bare(query["type"])["name"])
