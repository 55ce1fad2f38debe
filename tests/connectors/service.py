"""A small REST service over the people: what a department's own system looks like, and the ways in which one misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from connectors.selection import Row
from tests.connectors.people import PEOPLE, as_json


@dataclass
class Service:
    """Serves rows in order of their numbers and notes every request's parameters."""

    rows: Sequence[Row] = PEOPLE
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)

    def application(self) -> Starlette:
        """All its addresses."""
        return Starlette(
            routes=[
                Route("/people", self.people),
                Route("/nobody", self.nobody),
                Route("/nested", self.nested),
                Route("/backwards", self.backwards),
                Route("/huge", self.huge),
                Route("/slow", self.slow),
                Route("/text", self.text),
                Route("/elsewhere", self.elsewhere),
                Route("/status/{status:int}", self.status),
            ]
        )

    def _page(self, request: Request) -> tuple[list[Any], int]:
        query = request.query_params
        self.asked.append(dict(query))
        self.tokens.append(request.headers.get("authorization"))
        found = [as_json(row) for row in self.rows]
        for name in ("district", "name"):
            if name in query:
                found = [item for item in found if item[name] == query[name]]
        if "ids" in query:
            found = [item for item in found if item["id_number"] in query["ids"].split(",")]
        if "after" in query:
            found = [item for item in found if item["record_no"] > int(query["after"])]  # type: ignore[operator]
        offset, limit = int(query["offset"]), int(query["limit"])
        return list(found[offset : offset + limit]), len(found)

    async def people(self, request: Request) -> Response:
        items, total = self._page(request)
        return JSONResponse({"items": items, "meta": {"total": total}})

    async def nobody(self, _request: Request) -> Response:
        return JSONResponse({"items": [], "meta": {"total": 0}})

    async def nested(self, request: Request) -> Response:
        return JSONResponse([{"person": {"name": item["name"]}, "number": item["record_no"]} for item in self._page(request)[0]])

    async def backwards(self, request: Request) -> Response:
        return JSONResponse({"items": self._page(request)[0][::-1]})

    async def huge(self, _request: Request) -> Response:
        return JSONResponse({"items": ["x" * (9 * 1024 * 1024)]})

    async def slow(self, _request: Request) -> Response:
        await asyncio.sleep(30)
        return JSONResponse({"items": []})

    async def text(self, _request: Request) -> Response:
        return Response(b'{"items": [NaN', media_type="application/json")

    async def elsewhere(self, request: Request) -> Response:
        return RedirectResponse(str(request.base_url) + "people?" + str(request.query_params))

    async def status(self, request: Request) -> Response:
        return JSONResponse({"items": []}, request.path_params["status"])
