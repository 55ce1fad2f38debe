"""A service that answers every request with what a test makes of it, and a source that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from connectors.registry import open_source
from connectors.selection import Column, Kind, Selection
from connectors.spi import Source, SourceConfig
from tests.connectors.stands.rest_styles import bound

Made = Response | bytes | object
Answer = Callable[[Request], Made | Awaitable[Made]]
NUMBER = (Column("n", Kind.INTEGER),)


@dataclass
class Answering:
    """``asked`` are the requests' paths and queries, ``requests`` themselves beside them."""

    source: Source
    config: SourceConfig
    asked: list[str]
    requests: list[Request]


Opened = Callable[..., Answering]
"""Opens a source on such a service, whose address ends in ``/base``; further arguments change its configuration."""


@pytest.fixture
async def answering(servers: Callable[[ASGIApp], str]) -> AsyncIterator[Opened]:
    """Several may be open at once."""
    opened: list[Source] = []

    def start(answer: Answer, **changes: Any) -> Answering:
        asked: list[str] = []
        requests: list[Request] = []

        async def answered(request: Request) -> Response:
            await request.body()
            asked.append(f"{request.scope['path']}?{request.url.query}" if request.url.query else request.scope["path"])
            requests.append(request)
            made = answer(request)
            made = await made if isawaitable(made) else made
            return made if isinstance(made, Response) else Response(made, media_type="application/json") if isinstance(made, bytes) else JSONResponse(made)

        address = servers(Starlette(routes=[Route("/{path:path}", answered, methods=["GET", "POST"])]))
        config = replace(SourceConfig("city.register", "rest", f"{address}/base", local_rows=100, timeout_ms=2000), **changes)
        opened.append(open_source(config))
        return Answering(opened[-1], config, asked, requests)

    yield start
    for source in opened:
        await source.close()


def reading(**description: object) -> Selection:
    """Numbers ``n`` of the items at ``items`` of ``/n``, all in one answer unless told otherwise."""
    return Selection(bound({"path": "/n", "items": "items", "paging": {"style": "none"}, **description}), NUMBER)
