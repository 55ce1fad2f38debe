"""A few connections, opened when first needed and then held, each lent to one call at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from connectors.sql.driver import Connection, Driver, Incomparable, NotConnected


class Pool:
    """At most ``size`` connections. A connection that a call left in doubt is closed and later replaced."""

    def __init__(self, driver: Driver, size: int) -> None:
        self._driver = driver
        self._free = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until fewer than ``size`` calls are under way, and counts as one of them."""
        async with self._free:
            yield

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lends a held connection, or a new one, within a :meth:`turn`."""
        connection = self._idle.pop() if self._idle else await self._connect()
        sound = False
        try:
            yield connection
            sound = True
        except Incomparable:
            sound = True
            raise
        except self._driver.errors:
            sound = True
            raise
        finally:
            connection.reused = True
            if sound and connection.usable():
                self._idle.append(connection)
            else:
                self._retire(connection)

    async def _connect(self) -> Connection:
        try:
            return await self._driver.connect()
        except ConnectionError as error:
            raise NotConnected from error

    def drop_idle(self) -> None:
        """Closes all connections that nobody uses: the database may have closed them too."""
        while self._idle:
            self._retire(self._idle.pop())

    async def close(self) -> None:
        """Closes idle connections and waits until all that are being closed are."""
        self.drop_idle()
        while self._closing:
            await asyncio.wait(set(self._closing))

    def _retire(self, connection: Connection) -> None:
        task = asyncio.ensure_future(_close(connection))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(connection: Connection) -> None:
    # Its end is of no interest any more, however it comes.
    with suppress(Exception):
        await connection.close()
