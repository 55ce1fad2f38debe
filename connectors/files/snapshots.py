"""The snapshots that a source has attached, each lent to the calls that read it and let go when it is replaced and nobody reads it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import duckdb

from connectors.files.driver import DuckDriver
from connectors.files.keeper import Keeper
from connectors.files.rewriting import Placed
from connectors.files.shelf import Record
from connectors.selection import Binding

log = logging.getLogger(__name__)


class Attached:
    """One snapshot in service."""

    def __init__(self, record: Record, placed: Placed) -> None:
        self.record = record
        self.placed = placed
        self.readers = 0
        self.replaced = False

    @property
    def moment(self) -> datetime:
        """Of its data."""
        return datetime.fromisoformat(self.record.moment)


class Snapshots:
    """By binding. Lives on the event loop."""

    def __init__(self, driver: DuckDriver) -> None:
        self._driver = driver
        self._attached: dict[Binding, Attached] = {}

    def get(self, binding: Binding) -> Attached | None:
        """What is in service."""
        return self._attached.get(binding)

    async def follow(self, keeper: Keeper) -> None:
        """Switches to the snapshot that the keeper's state names, if it is another one."""
        record, held = keeper.state.current, self._attached.get(keeper.binding)
        if record is None or record.snapshot is None or (held is not None and held.record.snapshot == record.snapshot):
            return
        try:
            table = await self._driver.attach(keeper.shelf.folder / record.snapshot)
        except duckdb.Error:
            await self._unreadable(keeper, record)
            return
        names = [each.name for each in keeper.spec.columns] or list(record.columns)
        placed = Placed(Binding(table), {name: f"c{place}" for place, name in enumerate(names)})
        self._attached[keeper.binding] = Attached(record, placed)
        if held is not None:
            held.replaced = True
            await self._let_go(held)

    async def _unreadable(self, keeper: Keeper, record: Record) -> None:
        """Another process may have replaced it meanwhile; else the delivery is read again at the next look."""
        await keeper.load()
        if keeper.state.current == record:
            log.warning("snapshot cannot be read and will be made again: %s", keeper.binding.object)
            with keeper.shelf.locked() as mine:
                keeper.state = keeper.shelf.forget() if mine else keeper.state

    @asynccontextmanager
    async def lent(self, snapshots: Iterable[Attached]) -> AsyncIterator[None]:
        """Keeps them until the reader is done."""
        async with AsyncExitStack() as stack:
            for each in snapshots:
                each.readers += 1
                stack.push_async_callback(self._returned, each)
            yield

    async def _returned(self, snapshot: Attached) -> None:
        snapshot.readers -= 1
        await self._let_go(snapshot)

    async def _let_go(self, snapshot: Attached) -> None:
        if snapshot.replaced and not snapshot.readers:
            await self._driver.detach(snapshot.placed.table.object)
