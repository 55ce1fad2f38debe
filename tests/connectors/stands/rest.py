"""A REST service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.registry import open_source
from connectors.selection import Binding, Row
from connectors.spi import SourceConfig
from tests.connectors.service import Service
from tests.connectors.service_server import served
from tests.connectors.stands.stand import People, Stand


def rest_binding(path: str = "/people", **changes: object) -> Binding:
    """The people's endpoint, with some of its description changed."""
    description: dict[str, object] = {
        "path": path,
        "items": "items",
        "limit": "limit",
        "offset": "offset",
        "max_page": 4,
        "filters": {"district": "district"},
        "keys": {"id_number": {"parameter": "ids", "separator": ",", "most": 200}},
        "sorted_by": "record_no",
        "after": "after",
    }
    return Binding(path, json.dumps({name: value for name, value in {**description, **changes}.items() if value is not None}, sort_keys=True))


@asynccontextmanager
async def _open(request: pytest.FixtureRequest, _directory: Path, rows: Sequence[Row]) -> AsyncIterator[People]:
    service = Service(list(rows))

    async def insert(row: Row) -> None:
        service.rows = sorted([*service.rows, row])

    with served(request, service.application()) as address:
        config = SourceConfig("city.register", "rest", address)
        source = open_source(config)
        try:
            yield People("rest", config, source, rest_binding(), rest_binding("/nobody"), rest_binding("/missing"), rest_binding("/slow"), insert)
        finally:
            await source.close()


STAND = Stand("rest", _open, place=40)
