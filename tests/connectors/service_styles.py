"""REST services of other makers over the same people: XML by page number, searches by POST with a cursor, pages by links, rows by their path."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.selection import Row, Value
from tests.connectors.people import PEOPLE, as_json

Item = Mapping[str, Value]


@dataclass
class Styles:
    """Serves rows in order of their numbers and notes every request: its path, and its query or body."""

    rows: Sequence[Row] = PEOPLE
    asked: list[tuple[str, Any]] = field(default_factory=list)
    pages: int | None = None
    """What the XML answers say of the number of pages."""

    def application(self) -> Starlette:
        """All its addresses."""
        return Starlette(
            routes=[
                Route("/people.xml", self.xml),
                Route("/nobody.xml", self.xml),
                Route("/slow.xml", self.slow),
                Route("/search", self.search, methods=["POST"]),
                Route("/nobody", self.search, methods=["POST"]),
                Route("/slow", self.slow, methods=["POST"]),
                Route("/linked", self.linked),
                Route("/people/{id_number}", self.person),
                Route("/districts/{district}/people", self.district),
            ]
        )

    def _items(self, request: Request, asked: object) -> list[Item]:
        self.asked.append((request.scope["path"], asked))
        return [] if request.scope["path"].startswith("/nobody") else [as_json(row) for row in self.rows]

    async def slow(self, _request: Request) -> Response:
        await asyncio.sleep(30)
        return Response(b"<people/>")

    async def xml(self, request: Request) -> Response:
        """Page ``pageNum`` of ``pageSize`` behind ``after``; several ``id``; ``district``."""
        query = request.query_params
        found = self._items(request, query.multi_items())
        if "id" in query:
            found = [item for item in found if item["id_number"] in query.getlist("id")]
        if "district" in query:
            found = [item for item in found if item["district"] == query["district"]]
        found = [item for item in found if int(str(item["record_no"])) > int(query.get("after", -(10**9)))]
        size, number = int(query["pageSize"]), int(query["pageNum"])
        return Response(_xml(found[size * (number - 1) : size * number], self.pages), media_type="application/xml")

    async def search(self, request: Request) -> Response:
        """``size`` items behind ``cursor``; ``where.ids`` is a list."""
        body = await request.json()
        found = self._items(request, body)
        where = body.get("where", {})
        if "ids" in where:
            found = [item for item in found if item["id_number"] in where["ids"]]
        for name in ("district", "active"):
            if name in where:
                found = [item for item in found if item[name] == where[name]]
        found = [item for item in found if int(str(item["record_no"])) > int(body.get("cursor", -(10**9)))]
        page = found[: body["size"]]
        more = len(found) > len(page)
        return JSONResponse({"hits": {"list": page}, "next": str(page[-1]["record_no"]) if more else None})

    async def linked(self, request: Request) -> Response:
        """Two items behind ``from``, and the next page in a header."""
        query = dict(request.query_params)
        found = self._items(request, query)
        start = int(query.get("from", 0))
        headers = {"Link": f'</elsewhere>; rel="prev", <?from={start + 2}>; rel="next last"; title="a, b"'} if start + 2 < len(found) else {}
        return JSONResponse(found[start : start + 2], headers=headers)

    async def person(self, request: Request) -> Response:
        found = [item for item in self._items(request, dict(request.query_params)) if item["id_number"] == request.path_params["id_number"]]
        return JSONResponse({"data": found[0]} if found else {"error": "nobody"}, 200 if found else 404)

    async def district(self, request: Request) -> Response:
        found = [item for item in self._items(request, dict(request.query_params)) if item["district"] == request.path_params["district"]]
        return JSONResponse(found)


def _xml(items: Sequence[Item], pages: int | None) -> bytes:
    """Null is left out; names stand in a namespace, as services of this kind like to have it."""
    root = Element("{urn:example:people}answer")
    if pages is not None:
        SubElement(root, "{urn:example:people}pages").text = str(pages)
    people = SubElement(root, "{urn:example:people}people", {"source": "register"})
    for item in items:
        person = SubElement(people, "{urn:example:people}person")
        for name, value in item.items():
            if value is not None:
                SubElement(person, f"{{urn:example:people}}{name}").text = str(value).lower() if isinstance(value, bool) else str(value)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))
