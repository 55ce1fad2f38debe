"""Masked list: a REST service that cannot mask, so that the hub does it, one compiled function for each column."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loadtests import lists, persons
from loadtests.hub import serving
from loadtests.report import Report
from tests.servers.http import serving as serving_http

ENDPOINT = """
[resources.endpoint]
path = "/persons"
items = "items"
limit = "limit"
offset = "offset"
max_page = 1000
sorted_by = "record_no"
"""


def run() -> Report:
    """Measures the lists over a REST service of the bench's own."""
    with serving_http(service()) as url, tempfile.TemporaryDirectory(prefix="huitong-bench-") as directory:
        place = persons.Place(f'kind = "rest"\nurl = "{url}"', ENDPOINT)
        with serving(Path(directory) / "home", persons.manifest(place)) as hub:
            found = lists.measure(hub, lambda: [os.getpid()])
    about = (
        f"The same list from a REST service, of which the hub reads the raw values; it masks {len(persons.MASKED)} columns itself. "
        f"{lists.ROUNDS} rounds of {lists.CALLS} calls of each by turns. The service's CPU includes the caller's, who is in the same process."
    )
    return Report("Masked list, masks in the hub", about, lists.figures(found, None, "the service"))


def service() -> Starlette:
    """The register as a service answers it, page by page; it can neither filter nor mask."""
    columns = ("record_no", *persons.ITEMS)
    every = [dict(zip(columns, row, strict=True)) for row in persons.rows()]
    pages: dict[tuple[int, int], bytes] = {}

    async def answer(request: Request) -> Response:
        offset, limit = int(request.query_params.get("offset", 0)), int(request.query_params.get("limit", 1000))
        if (offset, limit) not in pages:
            pages[offset, limit] = orjson.dumps({"items": every[offset : offset + limit]})
        return Response(pages[offset, limit], media_type="application/json")

    return Starlette(routes=[Route("/persons", answer)])
