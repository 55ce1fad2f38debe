"""A connector of somebody else that can do little: what it does not declare is never asked of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from connectors.guard import GuardedSource
from connectors.negotiation import NegotiatedSource, declared
from connectors.selection import Binding, Column, Comparison, Row, Selection, Value
from connectors.spi import Capabilities, ColumnDescription, ObjectDescription, Parameters, Source, SourceCheck, SourceConfig
from connectors.sql import SqlConnector
from tests.connectors.stands import sqlite
from tests.connectors.stands.stand import People, Stand

CAPABILITIES = Capabilities(frozenset({Comparison.EQ, Comparison.IN}), order=False, masks=frozenset(), matches=False, keys_per_call=0)


class Partial:
    """Reads by equality and nothing else; fails when it is asked for more."""

    capabilities = CAPABILITIES

    def __init__(self, inner: Source) -> None:
        self._inner = inner

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        assert not selection.order
        assert not selection.after
        assert all(isinstance(output, Column) and output.mask is None for output in selection.outputs)
        assert selection.where is None or declared(CAPABILITIES, selection.where)
        return await self._inner.fetch(selection, parameters)

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        raise AssertionError("it declares no keys")

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        assert selection.where is None or declared(CAPABILITIES, selection.where)
        return await self._inner.count(selection, parameters)

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        return await self._inner.describe(binding)

    async def objects(self) -> Sequence[ObjectDescription]:
        raise AssertionError("it declares no objects")

    def as_of(self, binding: Binding) -> datetime | None:
        return self._inner.as_of(binding)

    async def check(self) -> SourceCheck:
        return await self._inner.check()

    async def close(self) -> None:
        await self._inner.close()


def _source(config: SourceConfig) -> Source:
    return GuardedSource(config, NegotiatedSource(config, Partial(SqlConnector().open(config))))


@asynccontextmanager
async def _open(request: pytest.FixtureRequest, directory: Path, rows: Sequence[Row]) -> AsyncIterator[People]:
    async with sqlite.STAND.open(request, directory, rows) as people:
        source = _source(people.config)
        try:
            yield replace(people, kind="third party", source=source, reopen=_source)
        finally:
            await source.close()


STAND = Stand("third party", _open, place=90)
