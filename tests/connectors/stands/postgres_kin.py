"""The drivers of PostgreSQL's kin on a PostgreSQL server, whose protocol they speak."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from connectors.registry import open_source
from connectors.selection import Row
from tests.connectors.stands import postgresql
from tests.connectors.stands.stand import People, Stand


@asynccontextmanager
async def _opened(scheme: str, request: pytest.FixtureRequest, directory: Path, rows: Sequence[Row]) -> AsyncIterator[People]:
    async with postgresql.STAND.open(request, directory, rows) as people:
        config = replace(people.config, url=people.config.url.replace("postgresql+asyncpg", scheme))
        source = open_source(config)
        try:
            yield replace(people, kind=f"{scheme} driver", config=config, source=source)
        finally:
            await source.close()


STANDS = [Stand(f"{scheme} driver", partial(_opened, scheme), place=place) for scheme, place in (("gaussdb", 70), ("kingbase", 80))]
