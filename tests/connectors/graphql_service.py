"""A small GraphQL server over the people: as another hub answers, as a Relay connection, as plain lists; and the ways in which one misbehaves."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError, build_schema, graphql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from connectors import local
from connectors.selection import Binding, Compare, Comparison, Every, Kind, Not, Order, Predicate, Row, Selection, Some, Value
from schema.filters import comparisons
from schema.scalars import write_bigint
from tests.connectors.people import KINDS, NAMES, PEOPLE, columns

_SCALARS = {
    Kind.STRING: "String",
    Kind.INTEGER: "Int",
    Kind.BIGINT: "BigInt",
    Kind.FLOAT: "Float",
    Kind.DECIMAL: "Decimal",
    Kind.BOOLEAN: "Boolean",
    Kind.DATE: "Date",
    Kind.DATETIME: "DateTime",
}
_LIST = "(where: PersonWhere, orderBy: [PersonOrder!], first: Int = 50, after: String): PersonConnection!"
_FIELDS = "\n".join(f"{name}: {_SCALARS[kind]}" for name, kind in KINDS.items())
_FILTERS = "\n".join(
    f"input {scalar}Filter {{ {' '.join(f'{c}: Boolean' if c == 'isNull' else f'{c}: [{scalar}!]' if c in ('in', 'notIn') else f'{c}: {scalar}' for c in comparisons(kind))} }}"
    for kind, scalar in _SCALARS.items()
)
SDL = f"""
scalar BigInt scalar Decimal scalar Date scalar DateTime scalar Money
type Query {{
  register: Register
  allPeople(first: Int, after: String, district: String, filter: Filter): Relay
  people(limit: Int, offset: Int, ids: [String!], district: String, status: Status! = ALL): [Person!]!
  cells: [Cell]!
  one(id: String!): Person
  bubbling: [Strict]!
  gone: [Person!]
  needs(status: Status!): [Person!]!
}}
enum Status {{ ALL NONE }}
input Filter {{ by: By }}
input By {{ name: String }}
type Register {{
  people{_LIST}
  nobody{_LIST}
  slow{_LIST}
  looping{_LIST}
  unfiltered(first: Int = 50, after: String): PersonConnection!
  person(id_number: String, record_no: BigInt): Person
}}
type Person {{ {_FIELDS} }}
type Strict {{ record_no: BigInt!  name: String! }}
type Cell {{ record_no: BigInt  name: String  home: Home  price: Money  tags: [String!] }}
type Home {{ city: String!  district: String }}
type PersonConnection {{ nodes: [Person!]!  edges: [PersonEdge!]!  pageInfo: PageInfo!  totalCount: Int }}
type PersonEdge {{ cursor: String!  node: Person! }}
type Relay {{ edges: [PersonEdge]  pageInfo: PageInfo!  totalCount: Int! }}
type PageInfo {{ hasNextPage: Boolean!  hasPreviousPage: Boolean!  startCursor: String  endCursor: String }}
input PersonWhere {{ and: [PersonWhere!]  or: [PersonWhere!]  not: PersonWhere
{chr(10).join(f"{name}: {_SCALARS[kind]}Filter" for name, kind in KINDS.items())} }}
input PersonOrder {{ {" ".join(f"{name}: Direction" for name in NAMES)} }}
enum Direction {{ ASC DESC }}
{_FILTERS}
"""
_SCHEMA = build_schema(SDL)
_STABLE = Order("record_no", Kind.BIGINT, nullable=False)


@dataclass
class Asked:
    """One request as it came."""

    document: str
    variables: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass
class Service:
    """Serves rows and notes every request that is no introspection. ``hidden`` is taken out of the schema's answers."""

    rows: Sequence[Row] = PEOPLE
    asked: list[Asked] = field(default_factory=list)
    introspected: int = 0
    extensions: dict[str, Any] = field(default_factory=dict)
    errors: list[dict[str, Any]] | None = None
    """Answered in place of everything, with status ``status``."""
    status: int = 200
    token: str | None = None
    """The only token that is admitted; ``None`` admits everybody."""
    tokens: int = 0
    """How many were given."""
    address: str = ""

    def application(self) -> Starlette:
        """All its addresses."""
        post = ["POST"]
        return Starlette(
            routes=[
                Route("/graphql", self.graphql, methods=post),
                Route("/oauth/token", self.give, methods=post),
                Route("/.well-known/oauth-protected-resource/graphql", self.resource),
                Route("/.well-known/oauth-authorization-server", self.server),
                Route("/huge", self.huge, methods=post),
                Route("/text", self.text, methods=post),
                Route("/surrogate", self.surrogate, methods=post),
                Route("/numbers", self.numbers, methods=post),
                Route("/elsewhere", self.elsewhere, methods=post),
                Route("/status/{status:int}", self.other, methods=post),
            ]
        )

    async def graphql(self, request: Request) -> Response:
        content = await request.json()
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"errors": [{"message": "secret text", "extensions": {"code": "UNAUTHENTICATED"}}]}, 401)
        if "__schema" in content["query"] or "__type(" in content["query"]:
            self.introspected += 1
        else:
            self.asked.append(Asked(content["query"], content["variables"], dict(request.headers)))
            if self.errors is not None:
                return JSONResponse({"errors": self.errors}, self.status, media_type="application/graphql-response+json")
        made = await graphql(_SCHEMA, content["query"], {"register": _Register(self), **_roots(self)}, variable_values=content["variables"])
        answer: dict[str, Any] = {"data": made.data, "extensions": self.extensions}
        if made.errors:
            answer["errors"] = [error.formatted for error in made.errors]
        return JSONResponse(answer)

    async def give(self, request: Request) -> Response:
        form = dict(pair.split("=") for pair in (await request.body()).decode().split("&"))
        basic = base64.b64encode(b"city%3A1:s%2Fcret").decode()
        if request.headers.get("authorization") != f"Basic {basic}" or form["grant_type"] != "client_credentials":
            return JSONResponse({"error": "invalid_client"}, 401)
        self.tokens += 1
        self.token = f"token-{self.tokens}"
        return JSONResponse({"access_token": self.token, "token_type": "Bearer", "expires_in": 600})

    async def resource(self, request: Request) -> Response:
        return JSONResponse({"authorization_servers": [str(request.base_url).rstrip("/")]})

    async def server(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        return JSONResponse({"issuer": base, "token_endpoint": f"{base}/oauth/token"})

    async def huge(self, _request: Request) -> Response:
        return JSONResponse({"data": {"people": "x" * (9 * 1024 * 1024)}})

    async def text(self, _request: Request) -> Response:
        return Response(b'{"data": ', media_type="application/json")

    async def surrogate(self, request: Request) -> Response:
        answer = await self.graphql(request)
        return Response(bytes(answer.body).replace("王小明".encode(), b"\\ud800"), media_type="application/json")

    async def numbers(self, request: Request) -> Response:
        answer = await self.graphql(request)
        return Response(bytes(answer.body).replace(b'"12.50"', b"12345678901234567890.10"), media_type="application/json")

    async def elsewhere(self, _request: Request) -> Response:
        return RedirectResponse("/graphql", 307)

    async def other(self, request: Request) -> Response:
        return Response(b"<html>", request.path_params["status"], media_type="text/html")


class _Register:
    """Another hub's department."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def people(self, _info: Any, **given: Any) -> Any:
        return connection(self._service.rows, **given)

    def nobody(self, _info: Any, **given: Any) -> Any:
        return connection((), **given)

    def unfiltered(self, _info: Any, **given: Any) -> Any:
        return connection(self._service.rows, **given)

    async def slow(self, _info: Any, **given: Any) -> Any:
        await asyncio.sleep(30)
        return connection(self._service.rows, **given)

    def looping(self, _info: Any, **given: Any) -> Any:
        return connection(self._service.rows, **{**given, "after": None})

    def person(self, _info: Any, **given: Any) -> Any:
        ((name, value),) = given.items()
        if value == "ill-formed":
            raise GraphQLError("secret text", extensions={"code": "BAD_INPUT"})
        if value == "down":
            raise GraphQLError("secret text", extensions={"code": "SOURCE_UNAVAILABLE"})
        return next((shown(row) for row in self._service.rows if str(row[NAMES.index(name)]) == str(value)), None)


def _roots(service: Service) -> dict[str, Any]:
    def relay(_info: Any, first: int | None = None, after: str | None = None, district: str | None = None, filter: Any = None) -> Any:  # noqa: A002 - its name in the schema
        name = ((filter or {}).get("by") or {}).get("name")
        kept = [row for row in service.rows if district in (None, row[3]) and name in (None, row[2])]
        return connection(kept, first=first or 50, after=after)

    def people(_info: Any, limit: int = 5, offset: int = 0, ids: Any = None, district: Any = None, status: str = "ALL") -> Any:
        kept = [row for row in service.rows if status == "ALL" and district in (None, row[3]) and (ids is None or row[1] in ids)]
        return [shown(row) for row in kept][offset : offset + limit]

    return {
        "allPeople": relay,
        "people": people,
        "one": lambda _info, id: next((shown(row) for row in service.rows if row[1] == id), None),  # noqa: A006 - its name in the schema
        "cells": [_Cell(row[0], row[2]) for row in service.rows[:3]],
        "bubbling": [{"record_no": 1, "name": "甲"}, {"record_no": 2, "name": None}, {"record_no": 3, "name": "丙"}],
        "gone": lambda _info: _failed("SOURCE_UNAVAILABLE"),
        "needs": lambda _info, status: [shown(row) for row in service.rows if status == "ALL"],
    }


def _failed(code: str) -> Any:
    raise GraphQLError("secret text", extensions={"code": code})


class _Cell:
    price = "12.50"
    tags = ("a",)

    def __init__(self, number: Value, name: Value) -> None:
        self.record_no = number
        self._name = name
        self.home = {"city": None if number == 3 else "贵阳", "district": "南明"}

    def name(self, _info: Any) -> Any:
        return _failed("") if self.record_no == 2 else self._name


def shown(row: Row) -> dict[str, Any]:
    """A row as it is answered: numbers beyond 2^53 as text."""
    return {name: write_bigint(value) if kind is Kind.BIGINT and value is not None else value for (name, kind), value in zip(KINDS.items(), row, strict=True)}


def connection(rows: Sequence[Row], where: Any = None, orderBy: Any = None, first: int = 50, after: str | None = None) -> dict[str, Any]:  # noqa: N803 - its name in the schema
    """A page in another hub's way: filtered and ordered by its contract, the cursor a position."""
    if first > 1000:
        raise GraphQLError("secret text", extensions={"code": "BAD_INPUT"})
    parameters: dict[str, Any] = {}
    keys = [Order(name, KINDS[name], direction == "DESC") for each in orderBy or () for name, direction in each.items()]
    order = (*keys, *(() if any(key.column == "record_no" for key in keys) else (_STABLE,)))
    selection = Selection(Binding("people"), columns(*NAMES), predicate(where or {}, parameters), order)
    every = local.answer(selection, parameters, columns(*NAMES), rows)
    if after is not None:
        position = json.loads(base64.b64decode(after))
        parameters |= {f"a{i}": value for i, value in enumerate(position)}
        behind = Selection(selection.binding, selection.outputs, None, order, tuple(f"a{i}" for i in range(len(position))))
        page = local.answer(behind, parameters, columns(*NAMES), every)
    else:
        page = every
    edges = [{"node": shown(row), "cursor": _cursor(row, order)} for row in page[:first]]
    info = {"hasNextPage": len(page) > first, "hasPreviousPage": False, "startCursor": None, "endCursor": edges[-1]["cursor"] if edges else None}
    return {"nodes": [edge["node"] for edge in edges], "edges": edges, "pageInfo": info, "totalCount": len(every)}


def _cursor(row: Row, order: Sequence[Order]) -> str:
    return base64.b64encode(json.dumps([row[NAMES.index(key.column)] for key in order]).encode()).decode()


def predicate(where: Mapping[str, Any], parameters: dict[str, Any]) -> Predicate:
    """``where`` by the contract's grammar."""
    parts: list[Predicate] = []
    for name, value in where.items():
        if name in ("and", "or"):
            inner = tuple(predicate(each, parameters) for each in value)
            parts.append(Every(inner) if name == "and" else Some(inner))
        elif name == "not":
            parts.append(Not(predicate(value, parameters)))
        else:
            parts += [_compare(name, comparison, operand, parameters) for comparison, operand in value.items()]
    return Every(tuple(parts))


def _compare(name: str, comparison: str, operand: Any, parameters: dict[str, Any]) -> Predicate:
    parameter = f"p{len(parameters)}"
    big = KINDS[name] is Kind.BIGINT
    parameters[parameter] = (
        [int(each) if big else each for each in operand] if isinstance(operand, list) else int(operand) if big and comparison != "isNull" else operand
    )
    return Compare(name, KINDS[name], Comparison(comparison), parameter)
