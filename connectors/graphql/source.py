"""One GraphQL service: pushes down what its list can do, computes the rest in the hub within ``local_rows``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from connectors import local
from connectors.errors import ConfigFault, SourceFault, SourceRefused, SourceTimeout
from connectors.graphql.carry import carried, keep_receipt
from connectors.graphql.client import Client
from connectors.graphql.faults import SchemaChanged
from connectors.graphql.keys import Keys
from connectors.graphql.options import GraphqlOptions
from connectors.graphql.positions import Positions
from connectors.graphql.pushdown import push, without_order
from connectors.graphql.reading import Reading
from connectors.graphql.remote import Remote, parse_remote
from connectors.graphql.rows import Answer
from connectors.graphql.streaming import first_rows
from connectors.graphql.target import Resolver, Target
from connectors.graphql.types import Types
from connectors.graphql.values import check_kind, kind_of
from connectors.selection import Binding, Column, Comparison, Kind, Row, Selection, Value
from connectors.spi import Capabilities, ColumnDescription, ObjectDescription, Parameters, SourceCheck, SourceConfig

CAPABILITIES = Capabilities(
    comparisons=frozenset({Comparison.EQ, Comparison.IN}), order=False, masks=frozenset(), matches=False, keys_per_call=1000, completes=True
)
_RECENT = 3600.0
"""Seconds within which a list was tried that a health check looks at again."""
_MOST_WRONG = 100
_FRESH = 10.0
"""Seconds for which the service's types are taken as they were told, even where something is missing in them."""
_NOTHING = "{ __typename }"


class GraphqlSource:
    """Takes any selection. See :class:`connectors.spi.Source`."""

    def __init__(self, config: SourceConfig, options: GraphqlOptions, client: Client) -> None:
        self._code = config.code
        self._timeout = config.timeout_ms / 1000
        self._most = config.local_rows
        self._options = options
        self._client = client
        self._types, self._born = self._new_types(), time.monotonic()
        self._targets: dict[str, Target] = {}
        self._positions = Positions()
        self._wrong: dict[tuple[Binding, tuple[Column, ...]], float] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What every list can do at least by the hub's help; masks and matches are computed in the hub."""
        return CAPABILITIES

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """As few pages as the limit needs where the service orders as asked, else all that the pushed-down part selects."""
        async with self._in_time():
            columns = local.needed_columns(selection)
            remote, target = await self._target(selection.binding, columns)
            pushed = push(target, selection, parameters)
            reading = self._reading(remote, target, columns, _compared(selection))
            if selection.limit is not None and pushed.ordered:
                rows = await first_rows(self._code, self._positions, reading, selection, parameters, pushed, columns)
            else:
                rows = await reading.everything(pushed.arguments)
        return local.answer(selection, parameters, columns, rows)

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        """By lists of keys, by single look-ups many in one request, or from all that the rest of the predicate selects."""
        if not values:
            return {}
        async with self._in_time():
            columns = local.needed_columns(selection)
            remote, target = await self._target(selection.binding, columns)
            keys = Keys(target, key, values)
            if keys.single is not None:
                reading = self._reading(remote, target, columns, _compared(selection))
                groups: Mapping[Value, Sequence[Row]] = await keys.looked_up(reading, keys.single)
            else:
                own = [] if key.name in [column.name for column in columns] else [Column(key.name, key.kind)]
                columns += own
                remote, target = await self._target(selection.binding, columns)
                reading = self._reading(remote, target, columns, _compared(selection) | {key.name})
                groups = await keys.listed(reading, columns, push(target, without_order(selection), parameters).arguments)
        return local.answers(selection, parameters, columns, groups)

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        """By the service itself where it tells and can do the whole predicate, else by reading."""
        counted = Selection(selection.binding, (), selection.where)
        async with self._in_time():
            columns = local.needed_columns(counted)
            remote, target = await self._target(selection.binding, columns)
            pushed = push(target, counted, parameters)
            reading = self._reading(remote, target, columns, _compared(counted))
            if target.counts and pushed.whole and (total := await reading.count(pushed.arguments)) is not None:
                return total
            rows = await reading.everything(pushed.arguments)
        return len(local.answer(counted, parameters, columns, rows))

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        """The fields of the list's objects that hold single values, asked of the service anew."""
        self._renew()
        async with self._in_time():
            remote, target = await self._target(binding)
        fields = target.node.fields.items()
        plain = [(name, each.type) for name, each in fields if each.type.leaf and not each.type.lists and all(a.optional for a in each.arguments.values())]
        return [ColumnDescription(name, type_.text, not type_.required, kind_of(type_, remote.scalars)) for name, type_ in plain]

    async def objects(self) -> Sequence[ObjectDescription]:
        """Refused: which of a service's fields are lists of things to share is for people to say."""
        raise SourceRefused(self._code, "a GraphQL service cannot list what it holds; describe its lists in the manifest")

    def as_of(self, binding: Binding) -> datetime | None:
        """Now."""
        return None

    async def check(self) -> SourceCheck:
        """Asks the service for nothing, and looks again at every list that could not be read when it was tried."""
        try:
            async with self._in_time():
                await self._client.ask(_NOTHING, {}, {})
                self._wrong = {tried: at for tried, at in self._wrong.items() if time.monotonic() - at < _RECENT}
                for (binding, columns), at in list(self._wrong.items()):
                    await self._target(binding, columns, at)
        except SourceFault as fault:
            return SourceCheck(ok=False, message=str(fault), hint="compare `url`, `auth`, `secret` and the manifest's `remote` with the service and its schema")
        return SourceCheck(ok=True)

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.close()

    async def _target(self, binding: Binding, columns: Sequence[Column] = (), at: float | None = None) -> tuple[Remote, Target]:
        """The list as the service has it, with these columns. What it does not have is looked for again in the service's types of now."""
        remote = self._remote(binding)
        try:
            found = await self._resolved(remote, binding.options, columns)
        except SourceRefused:
            if len(self._wrong) < _MOST_WRONG:
                self._wrong[binding, tuple(columns)] = time.monotonic() if at is None else at
            if not self._renew():
                raise
            found = await self._resolved(remote, binding.options, columns)
        self._wrong.pop((binding, tuple(columns)), None)
        return remote, found

    async def _resolved(self, remote: Remote, key: str, columns: Sequence[Column]) -> Target:
        types, known = self._types, self._targets
        resolver = Resolver(self._code, types)
        if key not in known:
            known[key] = await resolver.target(remote)
        for column in columns:
            check_kind(self._code, column, await resolver.leaf(known[key], column.name), remote.scalars)
        return known[key]

    def _remote(self, binding: Binding) -> Remote:
        try:
            return parse_remote(binding.options)
        except ConfigFault as fault:
            raise SourceRefused(self._code, f"{fault.message}; {fault.hint}") from fault

    def _reading(self, remote: Remote, target: Target, columns: Sequence[Column], compared: frozenset[str]) -> Reading:
        exact = any(column.kind is Kind.DECIMAL for column in columns)

        async def ask(document: str, variables: Mapping[str, Any]) -> tuple[Answer, Mapping[str, Any]]:
            return await self._ask(document, variables, carrying=remote.huitong or self._options.carry, exact=exact)

        return Reading(self._code, ask, target, columns, self._most, compared)

    async def _ask(self, document: str, variables: Mapping[str, Any], *, carrying: bool, exact: bool) -> tuple[Answer, Mapping[str, Any]]:
        try:
            answer, whole = await self._client.ask(document, variables, carried(self._options) if carrying else {}, exact=exact)
        except SchemaChanged:
            self._forget()
            raise
        if carrying:
            keep_receipt(self._code, whole)
        return answer, whole

    def _new_types(self) -> Types:
        async def ask(document: str, variables: Mapping[str, Any]) -> Any:
            answer, _ = await self._client.ask(document, variables, {})
            return answer.data

        return Types(self._code, ask)

    def _renew(self) -> bool:
        """What is known of the service's types is asked for anew, unless it has just been."""
        if time.monotonic() - self._born < _FRESH:
            return False
        self._forget()
        return True

    def _forget(self) -> None:
        self._types, self._born = self._new_types(), time.monotonic()
        self._targets = {}

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except TimeoutError as error:
            raise SourceTimeout(self._code, "no answer in time") from error


def _compared(selection: Selection) -> frozenset[str]:
    """Columns by which rows are found or ordered."""
    named = local.needed_columns(Selection(selection.binding, (), selection.where, selection.order))
    return frozenset(column.name for column in named)
