"""One REST service: pushes down what its endpoint can do, computes the rest in the hub within ``local_rows``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Any

from connectors import local
from connectors.calling import CALLING
from connectors.errors import ConfigFault, SourceFault, SourceRefused, SourceTimeout
from connectors.rest.client import Client
from connectors.rest.endpoint import Endpoint
from connectors.rest.faults import parse_endpoint
from connectors.rest.options import RestOptions
from connectors.rest.pushdown import Ask, Pushed, Route, push
from connectors.rest.reading import Reading
from connectors.rest.template import addressable, columns_of, fill
from connectors.selection import Binding, Column, Comparison, Row, Selection, Value
from connectors.spi import Capabilities, ColumnDescription, ObjectDescription, Parameters, SourceCheck, SourceConfig
from connectors.wire import comparable

CAPABILITIES = Capabilities(
    comparisons=frozenset({Comparison.EQ, Comparison.IN}), order=False, masks=frozenset(), matches=False, keys_per_call=1000, completes=True
)
_SAMPLE = 50
"""Items that are looked at to describe a collection."""
_SERVER_ERROR = 500


class RestSource:
    """Takes any selection. See :class:`connectors.spi.Source`."""

    def __init__(self, config: SourceConfig, options: RestOptions, client: Client) -> None:
        self._code = config.code
        self._timeout = config.timeout_ms / 1000
        self._local_rows = config.local_rows
        self._together = max(1, config.pool // 2)
        self._health = options.health or ""
        self._client = client

    @property
    def capabilities(self) -> Capabilities:
        """Equality and key lists, where an endpoint declares them; masks and matches are computed in the hub."""
        return CAPABILITIES

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """As few pages as the limit needs where the service's order is the one asked for, else all that the pushed-down part selects."""
        endpoint = self._endpoint(selection.binding)
        pushed = push(self._code, endpoint, selection.where, parameters)
        columns = local.needed_columns(selection)
        async with self._in_time() as due:
            reading = self._reading(endpoint, columns, due)
            if selection.limit is not None and len(pushed.asks) == 1 and _in_service_order(selection, endpoint):
                rows = await self._first_rows(reading, selection, parameters, pushed, columns)
            else:
                rows = await reading.everything(pushed.asks)
        return local.answer(selection, parameters, columns, rows)

    async def _first_rows(self, reading: Reading, selection: Selection, parameters: Parameters, pushed: Pushed, columns: Sequence[Column]) -> list[Row]:
        limit = parameters[selection.limit or ""]
        if not isinstance(limit, int) or limit < 1:
            return []
        holds = local.condition(selection.where, {column.name: place for place, column in enumerate(columns)}, parameters)
        after = _one(parameters[selection.after[0]]) if selection.after else None
        if selection.after and after is None:
            return []
        kept: list[Row] = []
        async with aclosing(reading.pages(pushed.asks[0], limit if pushed.whole else self._local_rows + 1, after)) as pages:
            async for page in pages:
                kept += [row for row in page if holds(row)]
                if len(kept) >= limit:
                    break
        return kept

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        """One request per list of keys that the service takes; where it takes none, single requests for a few, else the whole collection."""
        endpoint = self._endpoint(selection.binding)
        columns = list({column.name: column for column in (*local.needed_columns(selection), Column(key.name, key.kind))}.values())
        pushed = push(self._code, endpoint, selection.where, parameters, (key, values))
        async with self._in_time() as due:
            rows = await self._reading(endpoint, columns, due).everything(pushed.asks)
        asked = {comparable(value, key.kind): value for value in values}
        place = [column.name for column in columns].index(key.name)
        groups: dict[Value, list[Row]] = {}
        for row in rows:
            known = comparable(row[place], key.kind)
            if known is not None and known in asked:
                groups.setdefault(asked[known], []).append(row)
        return local.answers(selection, parameters, columns, groups)

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        """By the service itself where its endpoint declares that and can do the whole predicate, else by reading."""
        endpoint = self._endpoint(selection.binding)
        pushed = push(self._code, endpoint, selection.where, parameters)
        counted = Selection(selection.binding, (), selection.where)
        columns = local.needed_columns(counted)
        async with self._in_time() as due:
            reading = self._reading(endpoint, columns, due)
            if endpoint.count is not None and pushed.whole and not any(ask.route.single for ask in pushed.asks):
                return sum([await reading.total(ask, endpoint.count) for ask in pushed.asks])
            rows = await reading.everything(pushed.asks)
        return len(local.answer(counted, parameters, columns, rows))

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        """Columns seen in the collection's first items, named by their dotted paths. A service promises no value, so each may be null."""
        endpoint = self._endpoint(binding)
        ask = self._example(endpoint)
        async with self._in_time() as due:
            flat = await self._reading(endpoint, (), due).sample(ask, _SAMPLE)
        names = dict.fromkeys(name for item in flat for name in item)
        return [_description(name, [item.get(name) for item in flat]) for name in names]

    def _example(self, endpoint: Endpoint) -> Ask:
        columns = columns_of(endpoint.path)
        lacking = [column for column in columns if not addressable(endpoint.examples.get(column, ""), endpoint.request_charset)]
        if lacking:
            raise SourceRefused(self._code, f"its path holds a value of {', '.join(lacking)}; write one into `endpoint.examples` so that it can be looked at")
        return Ask(Route(endpoint.path, endpoint.items), fill(endpoint.path, endpoint.examples, endpoint.request_charset), {}, filled=False)

    async def objects(self) -> Sequence[ObjectDescription]:
        """Refused: a service does not tell what it offers."""
        raise SourceRefused(self._code, "a REST service cannot list what it holds; describe its endpoints in the manifest")

    def as_of(self, binding: Binding) -> datetime | None:
        """Now."""
        return None

    async def check(self) -> SourceCheck:
        """Asks the base address, or the path in ``options.health``; any answer but a server's error is health."""
        try:
            async with self._in_time() as due:
                status = await self._client.status(self._health, due)
        except SourceFault as fault:
            return SourceCheck(ok=False, message=str(fault), hint="check that the service runs and that `url` leads to it")
        if status >= _SERVER_ERROR:
            return SourceCheck(ok=False, message=f"{self._code}: the service answered with status {status}", hint="ask the service's operator")
        return SourceCheck(ok=True)

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.close()

    def _reading(self, endpoint: Endpoint, columns: Sequence[Column], due: float) -> Reading:
        return Reading(self._code, self._client, endpoint, columns, self._local_rows, due, self._together)

    def _endpoint(self, binding: Binding) -> Endpoint:
        try:
            return parse_endpoint(binding.options)
        except ConfigFault as fault:
            raise SourceRefused(self._code, fault.message) from fault

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[float]:
        """The event loop's time by which everything must be done: the source's own, or the caller's if that is sooner."""
        calling = CALLING.get()
        due = asyncio.get_running_loop().time() + self._timeout
        due = due if calling is None or calling.deadline is None else min(due, calling.deadline)
        try:
            async with asyncio.timeout_at(due):
                yield due
        except TimeoutError as error:
            raise SourceTimeout(self._code, "no answer in time") from error


def _in_service_order(selection: Selection, endpoint: Endpoint) -> bool:
    """The first rows of the service are the first rows of the answer."""
    if not selection.order:
        return not selection.after
    key = selection.order[0]
    sorted_alike = len(selection.order) == 1 and key.column == endpoint.sorted_by and not key.descending and not key.scrambled
    return sorted_alike and (not selection.after or endpoint.after is not None)


def _one(value: Value | Sequence[Value]) -> Value:
    return value if isinstance(value, str | int | float) else None


def _description(name: str, values: Sequence[Any]) -> ColumnDescription:
    types = sorted({type(value).__name__ for value in values if value is not None})
    return ColumnDescription(name, " | ".join(types) or "null", nullable=True)
