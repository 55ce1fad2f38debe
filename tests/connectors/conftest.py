"""One set of people behind every connector."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from connectors.registry import open_source
from connectors.selection import Binding
from connectors.spi import Source, SourceConfig
from tests.connectors.people import write_postgres, write_sqlite
from tests.connectors.service import Service
from tests.servers.fixtures import postgres
from tests.servers.http import serving

__all__ = ["postgres"]


@dataclass(frozen=True)
class People:
    """A source that serves the people, and where in it they lie."""

    kind: str
    source: Source
    binding: Binding
    config: SourceConfig


def rest_binding(path: str = "/people", **changes: object) -> Binding:
    """The people's endpoint, with some of its description changed."""
    description: dict[str, object] = {
        "path": path,
        "items": "items",
        "limit": "limit",
        "offset": "offset",
        "max_page": 4,
        "filters": {"district": "district"},
        "keys": {"id_number": {"parameter": "ids", "separator": ",", "most": 2}},
        "sorted_by": "record_no",
        "after": "after",
    }
    return Binding(path, json.dumps({name: value for name, value in {**description, **changes}.items() if value is not None}, sort_keys=True))


@contextmanager
def _in_sqlite(directory: Path) -> Iterator[tuple[SourceConfig, Binding]]:
    write_sqlite(directory / "people.db")
    yield SourceConfig("city.register", "sql", f"sqlite:///{directory}/people.db"), Binding("person")


@contextmanager
def _in_service() -> Iterator[tuple[SourceConfig, Binding]]:
    with serving(Service().application()) as address:
        yield SourceConfig("city.register", "rest", address), rest_binding()


@pytest.fixture(
    params=[pytest.param("sqlite", marks=pytest.mark.fast), pytest.param("postgresql", marks=pytest.mark.slow), pytest.param("rest", marks=pytest.mark.slow)]
)
async def people(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[People]:
    """The people, once per connector."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            config, binding = stack.enter_context(_in_sqlite(tmp_path))
        elif request.param == "rest":
            config, binding = stack.enter_context(_in_service())
        else:
            server, schema = request.getfixturevalue("postgres"), f"s{uuid4().hex}"
            await write_postgres(server.url(), schema)
            config, binding = SourceConfig("city.register", "sql", server.url()), Binding(f"{schema}.person")
        source = open_source(config)
        yield People(request.param, source, binding, config)
        await source.close()
