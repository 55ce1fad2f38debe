"""One open folder of deliveries."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from connectors.aggregation import Aggregation
from connectors.errors import SourceBusy, SourceIncomplete, SourceRefused, SourceUnavailable
from connectors.files import listing
from connectors.files.deliveries import Delivery
from connectors.files.driver import DuckDriver
from connectors.files.keeper import Keeper
from connectors.files.options import PLAIN, FilesOptions, object_spec
from connectors.files.pattern import pattern_problem
from connectors.files.rewriting import Rewriting, bindings
from connectors.files.shelf import remove_unknown
from connectors.files.snapshots import Attached, Snapshots
from connectors.files.store import Store
from connectors.selection import Binding, Column, Every, Kind, Row, Selection, Value
from connectors.spi import Capabilities, ColumnDescription, ObjectDescription, Parameters, SourceCheck, SourceConfig
from connectors.sql.source import CAPABILITIES, SqlSource
from connectors.streaming import Slice, Streamed

log = logging.getLogger(__name__)
_OF_TIMEOUT = 0.8
"""The part of a call's time for which it waits for an object's first delivery."""


class FilesSource:
    """Everything is done in the snapshots. See :class:`connectors.spi.Source`. ``own`` says that the snapshots go when it is closed."""

    def __init__(self, config: SourceConfig, options: FilesOptions, store: Store, snapshots: Path, *, own: bool) -> None:
        self._code, self._url, self._options, self._store = config.code, config.url, options, store
        self._folder, self._own = snapshots, own
        self._patience = config.timeout_ms / 1000 * _OF_TIMEOUT
        self._driver = DuckDriver(config.code, snapshots, config.pool)
        self._sql = SqlSource(config, self._driver)
        self._snapshots = Snapshots(self._driver)
        self._keepers: dict[Binding, Keeper] = {}
        self._looking: dict[Binding, asyncio.Task[None]] = {}
        self._looked: dict[Binding, float] = {}
        self._tidied = False
        for each in options.resources:
            self._keeper(Binding(each.object, each.options))

    @property
    def capabilities(self) -> Capabilities:
        """All of it."""
        return CAPABILITIES

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """One statement on the snapshot."""
        async with self._reading(selection) as rewriting:
            return await self._sql.fetch(rewriting.selection(selection), parameters)

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        """One statement per ``keys_per_call`` values."""
        async with self._reading(selection) as rewriting:
            return await self._sql.fetch_by_keys(rewriting.selection(selection), parameters, rewriting.key(selection.binding, key), values)

    def looks_up(self, selection: Selection) -> bool:
        """Always."""
        return True

    async def look_up_all(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value], *, alone: bool) -> Sequence[Row] | None:
        """One statement on the snapshot."""
        async with self._reading(selection) as rewriting:
            key = rewriting.key(selection.binding, key)
            return await self._sql.look_up_all(rewriting.selection(selection), parameters, key, values, alone=alone)

    def streams(self, selection: Selection) -> bool:
        """As any database."""
        return self._sql.streams(selection)

    async def stream(self, selection: Selection, parameters: Parameters, part: Slice | None, rows: int) -> AsyncGenerator[Streamed, None]:
        """One statement on the snapshot, which stays as long."""
        async with self._reading(selection) as rewriting:
            here = None if part is None else replace(part, key=rewriting.key(selection.binding, part.key))
            async with aclosing(self._sql.stream(rewriting.selection(selection), parameters, here, rows)) as batches:
                async for batch in batches:
                    yield batch

    async def cuts(self, selection: Selection, parameters: Parameters, key: Column, rows: int) -> Sequence[Value]:
        """By hops over the key."""
        async with self._reading(selection) as rewriting:
            return await self._sql.cuts(rewriting.selection(selection), parameters, rewriting.key(selection.binding, key), rows)

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        """One statement."""
        async with self._reading(selection) as rewriting:
            return await self._sql.count(rewriting.selection(selection), parameters)

    async def aggregate(self, asked: Aggregation, parameters: Parameters) -> Sequence[Row]:
        """One statement."""
        predicates = Every((*asked.marks, *((asked.where,) if asked.where is not None else ())))
        async with self._reading(Selection(asked.binding, (), predicates)) as rewriting:
            return await self._sql.aggregate(rewriting.aggregation(asked), parameters)

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        """The newest delivery's columns; of those that the catalog describes, as the catalog does. A delivery that is in service is not read again."""
        keeper = self._keeper(binding)
        newest = (await self._listed(keeper))[:1]
        if not newest:
            raise SourceRefused(self._code, f"{binding.object} does not exist: the folder holds no such delivery")
        await keeper.load()
        current = keeper.state.current
        if current is not None and current.identity == newest[0].identity:
            columns = [ColumnDescription(name, Kind.STRING.value, True, Kind.STRING) for name in current.columns]
        else:
            columns = await self._guessed(keeper, newest[0])
        known = {each.name: listing.declared(each) for each in keeper.spec.columns}
        return [known.get(each.name, each) for each in columns]

    async def _guessed(self, keeper: Keeper, delivery: Delivery) -> list[ColumnDescription]:
        object_ = keeper.binding.object
        (guess,) = await listing.guessed(self._store, {object_: delivery}, keeper.spec.file, self._options, self._code)
        if guess is None or "columns" not in guess:
            why = "it changed or its reader ended" if guess is None else guess["broken"]["message"]
            raise SourceIncomplete(self._code, f"the newest delivery of {object_} cannot be read: {why}")
        return [listing.column(each) for each in guess["columns"]]

    async def objects(self) -> Sequence[ObjectDescription]:
        """Files and series of dated files, at most 200."""
        try:
            found = await self._store.threads.run(listing.newest_by_object, self._store)
        except OSError as error:
            raise SourceUnavailable(self._code, "the folder cannot be read") from error
        guesses = await listing.guessed(self._store, found, PLAIN, self._options, self._code)
        return [listing.described(object_, guess) for object_, guess in zip(found, guesses, strict=True)]

    def as_of(self, binding: Binding) -> datetime | None:
        """The moment of the delivery in service."""
        found = self._snapshots.get(binding)
        return found.moment if found else None

    async def check(self) -> SourceCheck:
        """The folder can be listed, and the newest delivery of every resource is fit for service."""
        try:
            await self._store.threads.run(lambda: next(iter(self._store.entries("")), None))
        except OSError:
            return SourceCheck(ok=False, message=f"{self._code}: the folder cannot be read", hint="check `url` and the rights of the hub's user")
        for keeper in self._keepers.values():
            fault = await self._checked(keeper)
            if fault is not None:
                return fault
        return SourceCheck(ok=True)

    async def _checked(self, keeper: Keeper) -> SourceCheck | None:
        newest = (await self._listed(keeper))[:1]
        await keeper.load()
        what = f"{self._code}: {keeper.binding.object}"
        if not newest and keeper.state.current is None:
            return SourceCheck(ok=False, message=f"{what}: the folder holds no delivery", hint="deliver the file, or compare `object` with its name")
        record = next((each for each in keeper.state.records if newest and each.identity == newest[0].identity), None)
        if record is not None and (report := keeper.shelf.report_path(record)) is not None:
            return SourceCheck(ok=False, message=f"{what}: the newest delivery was rejected: {record.name}", hint=f"huitong source deliveries; {report}")
        return None

    async def refresh(self) -> None:
        """Begins a look into the folder for every object whose last one is long enough ago; returns at once."""
        if self._options.resources and not self._tidied:
            self._tidied = True
            await asyncio.to_thread(remove_unknown, self._folder, [keeper.shelf.folder for keeper in self._keepers.values()])
        for binding in self._keepers:
            self._look_when_due(binding)

    async def close(self) -> None:
        """Ends what is being read, in the folder and in the snapshots."""
        tasks = list(self._looking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sql.close()
        await self._driver.close()
        if self._own:
            await asyncio.to_thread(shutil.rmtree, self._folder, True)

    def _keeper(self, binding: Binding) -> Keeper:
        found = self._keepers.get(binding)
        if found is None:
            problem = pattern_problem(binding.object)
            if problem is not None:
                raise SourceRefused(self._code, f"{binding.object} does not exist: {problem[0]}")
            try:
                spec = object_spec(binding)
            except ValueError as error:
                raise SourceRefused(self._code, str(error)) from error
            found = self._keepers[binding] = Keeper(self._code, self._url, self._store, self._folder, binding, spec, self._options)
        return found

    @asynccontextmanager
    async def _reading(self, selection: Selection) -> AsyncIterator[Rewriting]:
        snapshots = {binding: await self._snapshot(binding) for binding in bindings(selection)}
        async with self._snapshots.lent(snapshots.values()):
            yield Rewriting(self._code, {binding: each.placed for binding, each in snapshots.items()})

    async def _snapshot(self, binding: Binding) -> Attached:
        found = self._snapshots.get(binding)
        if found is not None:
            self._look_when_due(binding)
            return found
        keeper = self._keeper(binding)
        await keeper.load()
        await self._snapshots.follow(keeper)
        if self._snapshots.get(binding) is None:
            await asyncio.wait({self._look(binding)}, timeout=self._patience)
        found = self._snapshots.get(binding)
        if found is None:
            self._none_in_service(keeper)
            raise SourceIncomplete(self._code, f"no delivery of {binding.object} is in service; huitong source deliveries {self._code} tells why")
        return found

    def _none_in_service(self, keeper: Keeper) -> None:
        if keeper.found is False and not keeper.state.records:
            self._keepers.pop(keeper.binding, None)
            raise SourceRefused(self._code, f"{keeper.binding.object} does not exist: the folder holds no such delivery")
        if keeper.binding in self._looking:
            raise SourceBusy(self._code, f"the first delivery of {keeper.binding.object} is being read; try again soon")

    async def _listed(self, keeper: Keeper) -> Sequence[Delivery]:
        try:
            return await keeper.listed()
        except OSError as error:
            raise SourceUnavailable(self._code, "the folder cannot be read") from error

    def _look_when_due(self, binding: Binding) -> None:
        if binding not in self._looking and time.monotonic() - self._looked.get(binding, float("-inf")) >= self._options.look_seconds:
            self._look(binding)

    def _look(self, binding: Binding) -> asyncio.Task[None]:
        """The look that is under way, or a new one; it does not end with the call that began it."""
        task = self._looking.get(binding)
        if task is None:
            task = self._looking[binding] = asyncio.create_task(self._looked_at(binding))
            task.add_done_callback(lambda _task: self._looking.pop(binding, None))
        return task

    async def _looked_at(self, binding: Binding) -> None:
        keeper = self._keeper(binding)
        try:
            with suppress(asyncio.CancelledError):
                await keeper.load()
                await self._snapshots.follow(keeper)
                await keeper.look()
                await self._snapshots.follow(keeper)
        except Exception as fault:  # noqa: BLE001 - whatever fails, what is in service stays there and the next look comes
            log.warning("%s %s: the folder could not be looked at: %s", self._code, binding.object, type(fault).__name__)
        finally:
            self._looked[binding] = time.monotonic()
