"""The driver of openGauss and GaussDB on a PostgreSQL server, whose protocol it speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.registry import open_source
from connectors.selection import Row
from tests.connectors.stands import postgresql
from tests.connectors.stands.stand import People, Stand


@asynccontextmanager
async def _open(request: pytest.FixtureRequest, directory: Path, rows: Sequence[Row]) -> AsyncIterator[People]:
    async with postgresql.STAND.open(request, directory, rows) as people:
        config = replace(people.config, url=people.config.url.replace("postgresql+asyncpg", "gaussdb"))
        source = open_source(config)
        try:
            yield replace(people, kind="gaussdb driver", config=config, source=source)
        finally:
            await source.close()


STAND = Stand("gaussdb driver", _open, place=70)
