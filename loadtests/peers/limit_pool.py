"""The usual hand-written routes, without tokens, rights, masks or a ledger: Starlette, asyncpg's pool, ``dict(record)`` and orjson.

As the documentation of both has it: https://www.starlette.io/lifespan/, https://www.starlette.io/responses/#custom-json-serialization and
https://magicstack.github.io/asyncpg/current/usage.html#connection-pools.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_asyncpg: Any = asyncpg
_PERSON = 'SELECT id_number AS "idNumber", name, gender, birth_date AS "birthDate", phone, address, email, household_no AS "householdNo" FROM person WHERE '
_BY_NUMBER = _PERSON + "id_number = $1"
_LIST = _PERSON + "gender = $1 AND id > $2 ORDER BY id LIMIT $3"
_COMPANIES = "SELECT uscc, name, status, capital::text, founded, legal_rep_id_number FROM company WHERE status = $1 AND id > $2 ORDER BY id LIMIT $3"
_REPRESENTATIVES = 'SELECT id_number AS "idNumber", name, gender, phone FROM person WHERE id_number = any($1)'


class State(TypedDict):
    """What requests share."""

    pool: Any


class OrjsonResponse(JSONResponse):
    """JSON by orjson."""

    def render(self, content: Any) -> bytes:
        """Writes it."""
        return orjson.dumps(content)


async def _person(request: Request) -> OrjsonResponse:
    asked = orjson.loads(await request.body())
    row = await request.state.pool.fetchrow(_BY_NUMBER, asked["idNumber"])
    return OrjsonResponse(dict(row) if row else None)


async def _persons(request: Request) -> OrjsonResponse:
    asked = orjson.loads(await request.body())
    rows = await request.state.pool.fetch(_LIST, asked["gender"], asked["place"], asked["count"])
    return OrjsonResponse([dict(row) for row in rows])


async def _companies(request: Request) -> OrjsonResponse:
    asked = orjson.loads(await request.body())
    companies = [dict(row) for row in await request.state.pool.fetch(_COMPANIES, asked["status"], asked["place"], asked["count"])]
    numbers = [company.pop("legal_rep_id_number") for company in companies]
    found = {row["idNumber"]: dict(row) for row in await request.state.pool.fetch(_REPRESENTATIVES, numbers)}
    return OrjsonResponse([{**company, "legalRep": found.get(number)} for company, number in zip(companies, numbers, strict=True)])


async def _typename(request: Request) -> OrjsonResponse:
    await request.body()
    return OrjsonResponse({"__typename": "Query"})


def app(dsn: str) -> Starlette:
    """The application over a city."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        async with _asyncpg.create_pool(dsn, min_size=10, max_size=16) as pool:
            yield {"pool": pool}

    routes = {"/person": _person, "/persons": _persons, "/companies": _companies, "/typename": _typename}
    return Starlette(routes=[Route(path, endpoint, methods=["POST"]) for path, endpoint in routes.items()], lifespan=lifespan)
