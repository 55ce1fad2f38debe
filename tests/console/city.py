"""A small real GraphQL server with the console mounted: what a caller sees depends on its token, as in the hub."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from graphql import GraphQLSchema, build_schema, graphql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.console.pages import DemoApplication, DemoToken, Endpoint, UnknownDemoApplicationError, assets_route, demo_routes, page
from hub.hosts import AllowedHosts

TOKEN: Final = "token-of-housing"
ANSWER: Final = "王小明"

PUBLIC: Final = build_schema('type Query { "资源目录\\n\\nThe catalog" catalog: String endless: String }')
HOUSING: Final = build_schema('''
"""
人口基本信息

Persons
"""
type CivilAffairsPerson {
  "姓名"
  name: String
  "出生日期"
  birthDate: String
}
type CivilAffairs { "查询人口信息\\n\\nQuery persons" persons(first: Int = 50): [CivilAffairsPerson!]! }
type Query {
  "资源目录\\n\\nThe catalog"
  catalog: String
  "民政局\\n\\nCivil Affairs Bureau"
  civilAffairs: CivilAffairs
}
''')
GOVERNANCE: Final = build_schema("type Query { departments: [String!]! }")


async def _endless(_info: object) -> None:
    await asyncio.Event().wait()


ROOT: Final = {"catalog": "目录", "endless": _endless, "civilAffairs": {"persons": [{"name": ANSWER, "birthDate": "1990-01-01"}]}, "departments": ["民政局"]}

APPLICATIONS: Final = (
    DemoApplication(
        "housing", "住房和城乡建设局 保障房审核", "按授权查询本区人口信息，证件号、电话与住址脱敏。", ("housing.review", "housing.audit"), "李经办"
    ),
    DemoApplication("bank", "商业银行 开户核验", "只核验，不查询；未获有条件共享资源的授权。", ("bank.kyc",), "赵柜员"),
)


def applications(endpoint: str) -> Sequence[DemoApplication]:
    return APPLICATIONS if endpoint == "data" else ()


async def issue(name: str) -> DemoToken:
    if name != "housing":
        raise UnknownDemoApplicationError(name)
    return DemoToken(TOKEN, 600, {"Authorization": f"Bearer {TOKEN}", "Huitong-Purpose": "housing.review", "Huitong-Operator": "李经办"})


BUREAUS: Final = {f"bureau{number}": f"第{number}局" for number in range(1, 31)}


def city_of(bureaus: Collection[str]) -> GraphQLSchema:
    """A city's schema with these of its thirty departments."""
    types = "".join(f"type {field.title()} {{ permits: String }} " for field in bureaus)
    fields = "".join(f'"{BUREAUS[field]}\\n\\nBureau {field[6:]}" {field}: {field.title()} ' for field in bureaus)
    return build_schema(f"{types} type Catalog {{ code: String }} type Query {{ catalog(search: String): Catalog {fields} }}")


def _asked(text: str, departments: str | None) -> Collection[str]:
    """As the hub limits introspection by ``Huitong-Departments``."""
    return BUREAUS if departments is None or "__schema" not in text else [name for name in departments.split(",") if name in BUREAUS]


def _schema(endpoint: Endpoint, token: str) -> GraphQLSchema | None:
    if token not in ("", f"Bearer {TOKEN}"):
        return None
    if endpoint == "governance":
        return GOVERNANCE if token else None
    return HOUSING if token else PUBLIC


def _endpoint(endpoint: Endpoint, path: str) -> Route:
    async def answer(request: Request) -> Response:
        if request.method == "GET":
            return page(endpoint, demo=True)
        schema = _schema(endpoint, request.headers.get("Authorization", ""))
        if schema is None:
            return JSONResponse({"errors": [{"message": "需要令牌", "extensions": {"code": "UNAUTHENTICATED"}}]}, status_code=401)
        body = json.loads(await request.body())
        if request.app.state.large:
            schema = city_of(_asked(body["query"], request.headers.get("Huitong-Departments")))
        answering = asyncio.ensure_future(graphql(schema, body["query"], ROOT, variable_values=body.get("variables"), operation_name=body.get("operationName")))
        while not answering.done():
            if await request.is_disconnected():
                answering.cancel()
                request.app.state.cancelled += 1
                return Response(status_code=499)
            await asyncio.wait([answering], timeout=0.05)
        return JSONResponse(answering.result().formatted)

    return Route(path, answer, methods=["GET", "POST"])


async def _cancelled(request: Request) -> Response:
    return JSONResponse(request.app.state.cancelled)


def application(large: bool = False) -> Starlette:
    """`GET /cancelled` counts the operations whose callers went away."""
    routes = [
        Route("/cancelled", _cancelled),
        _endpoint("data", "/graphql"),
        _endpoint("governance", "/governance/graphql"),
        assets_route(),
        *demo_routes(applications, issue, AllowedHosts()),
    ]
    app = Starlette(routes=routes)
    app.state.cancelled = 0
    app.state.large = large
    return app


@asynccontextmanager
async def serving(large: bool = False) -> AsyncIterator[str]:
    """Serves on a free port of the loopback; gives the origin."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application(large), log_level="warning", lifespan="off", ws="none"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
