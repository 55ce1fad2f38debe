"""One set of people behind every connector."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from connectors.selection import Binding
from connectors.spi import Source, SourceConfig
from connectors.sql import SqlConnector
from tests.connectors.people import write_postgres, write_sqlite
from tests.servers.fixtures import postgres

__all__ = ["postgres"]


@dataclass(frozen=True)
class People:
    """A source that serves the people, and where in it they lie."""

    kind: str
    source: Source
    binding: Binding
    config: SourceConfig


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.fast), pytest.param("postgresql", marks=pytest.mark.slow)])
async def people(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[People]:
    """The people, once per connector."""
    if request.param == "sqlite":
        write_sqlite(tmp_path / "people.db")
        config, binding = SourceConfig("city.register", "sql", f"sqlite:///{tmp_path}/people.db"), Binding("person")
    else:
        server, schema = request.getfixturevalue("postgres"), f"s{uuid4().hex}"
        await write_postgres(server.url(), schema)
        config, binding = SourceConfig("city.register", "sql", server.url()), Binding(f"{schema}.person")
    source = SqlConnector().open(config)
    yield People(request.param, source, binding, config)
    await source.close()
