"""Another hub's GraphQL service, as its contract is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.registry import open_source
from connectors.selection import Binding, Row
from connectors.spi import SourceConfig
from tests.connectors.graphql_service import Service
from tests.connectors.stands.stand import People, Stand
from tests.servers.http import serving


def remote_binding(field: str = "register.people", **changes: object) -> Binding:
    """A list of the service, by its description in the catalog."""
    return Binding(field, json.dumps({"field": field, **changes}, sort_keys=True))


@asynccontextmanager
async def _open(_request: pytest.FixtureRequest, _directory: Path, rows: Sequence[Row]) -> AsyncIterator[People]:
    service = Service(list(rows))

    async def insert(row: Row) -> None:
        service.rows = [*service.rows, row]

    with serving(service.application()) as address:
        config = SourceConfig("city.register", "graphql", f"{address}/graphql")
        source = open_source(config)
        places = [remote_binding(f"register.{name}", max_page=4) for name in ("people", "nobody", "people_missing", "slow")]
        try:
            yield People("graphql", config, source, *places, insert)
        finally:
            await source.close()


STAND = Stand("graphql", _open, place=45)
