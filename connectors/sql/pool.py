"""A few connections, opened when first needed and then held, each lent to one call at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from connectors.sql.driver import Connection, Driver, NotConnected


class Pool:
    """At most ``size`` connections. A connection that a call left in doubt is closed and later replaced."""

    def __init__(self, driver: Driver, size: int) -> None:
        self._driver = driver
        self._free = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._closing: set[asyncio.Task[None]] = set()

    def turn(self) -> asyncio.Semaphore:
        """Waits, as a context manager, until fewer than ``size`` calls are under way, and counts as one of them."""
        return self._free

    def idle(self) -> Connection | None:
        """A held connection, lent within a :meth:`turn` until it is given back."""
        return self._idle.pop() if self._idle else None

    async def connect(self) -> Connection:
        """A new one, lent likewise."""
        try:
            return await self._driver.connect()
        except ConnectionError as error:
            raise NotConnected from error

    def give_back(self, connection: Connection, *, sound: bool) -> None:
        """The call has ended, and the connection was not left in doubt where it is ``sound``."""
        connection.reused = True
        if sound and connection.usable():
            self._idle.append(connection)
        else:
            self._retire(connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lends a connection."""
        connection = self.idle() or await self.connect()
        sound = False
        try:
            yield connection
            sound = True
        finally:
            self.give_back(connection, sound=sound)

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
