"""A TCP proxy that stands between the hub and a real server and does to their talk what networks and dying systems do."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum

_CHUNK = 16 * 1024
_MOST_CONNECTIONS = 256
_SWITCH_SECONDS = 10.0
_SLICE_SECONDS = 0.05


class Mode(Enum):
    """What becomes of a connection."""

    PASS = "pass"
    DEAD = "dead"
    """Nobody listens: refused. Connections that were there end."""
    HANG = "hang"
    """Accepted, and never answered."""
    SLOW = "slow"
    """Answered late and byte by byte."""
    RESET = "reset"
    """Reset in the middle of an answer."""
    GARBAGE = "garbage"
    """Random bytes instead of the answer."""
    HALF = "half"
    """Cut in the middle of an answer, as if that were its end."""


class FaultProxy:
    """Listens on ``port`` of 127.0.0.1 for ``upstream``. Runs on a loop of its own; :meth:`switch` may be called from any thread.

    In ``SLOW`` an answer begins after ``delay`` seconds and comes at ``rate`` bytes per second.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, upstream: tuple[str, int], rate: float = 200.0, delay: float = 0.2) -> None:
        self.port = 0
        self.mode = Mode.PASS
        self.accepted = 0
        """Connections, from the beginning."""
        self._loop = loop
        self._upstream = upstream
        self._rate = rate
        self._delay = delay
        self._random = random.Random(20261122)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    @property
    def held(self) -> int:
        """Connections that are open now."""
        return len(self._open)

    def switch(self, mode: Mode) -> None:
        """Changes what becomes of connections, from now on; who hangs is let go by being cut off."""
        asyncio.run_coroutine_threadsafe(self._switch(mode), self._loop).result(_SWITCH_SECONDS)

    async def _switch(self, mode: Mode) -> None:
        if mode is self.mode:
            return
        # Talk that was disturbed once cannot go on; talk that was not is disturbed from here on.
        if self.mode is not Mode.PASS or mode is Mode.DEAD:
            await self._cut()
        self.mode = mode
        self._changed.set()
        self._changed = asyncio.Event()
        if mode is Mode.DEAD:
            self._stop_listening()
        elif self._server is None:
            await self.listen()

    async def listen(self) -> None:
        """Takes the port; the same one after having been dead."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=_CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Ends everything."""
        self._stop_listening()
        await self._cut()

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _cut(self) -> None:
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= _MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self._open.add(task)
        self.accepted += 1
        try:
            await self._talk(reader, writer)
        except asyncio.CancelledError:
            # Its end is what was wanted; nobody waits for this task but the switch.
            return
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.HANG:
            await self._changed.wait()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._upstream, limit=_CHUNK)
        except OSError:
            return
        try:
            pumps = [asyncio.ensure_future(self._ask(reader, up_writer)), asyncio.ensure_future(self._answer(up_reader, writer))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            up_writer.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if self.mode is not Mode.HANG:
                    writer.write(chunk)
                    await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if not await self._pass_on(chunk, writer):
                    return
            # All of it has to arrive before the connection is closed behind it.
            await _flush(writer)

    async def _pass_on(self, chunk: bytes, writer: asyncio.StreamWriter) -> bool:
        """Whether the talk goes on."""
        match self.mode:
            case Mode.HANG:
                await self._changed.wait()
                return False
            case Mode.SLOW:
                await self._trickle(chunk, writer)
            case Mode.RESET:
                writer.write(chunk[: len(chunk) // 2])
                await asyncio.sleep(_SLICE_SECONDS)
                _reset(writer)
                return False
            case Mode.HALF:
                writer.write(chunk[: len(chunk) // 2])
                await _flush(writer)
                return False
            case Mode.GARBAGE:
                writer.write(self._random.randbytes(len(chunk)))
                await writer.drain()
            case _:
                writer.write(chunk)
                await writer.drain()
        return True

    async def _trickle(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._delay)
        size = max(1, int(self._rate * _SLICE_SECONDS))
        for start in range(0, len(chunk), size):
            writer.write(chunk[start : start + size])
            await writer.drain()
            await asyncio.sleep(_SLICE_SECONDS)


async def _flush(writer: asyncio.StreamWriter) -> None:
    """Waits until what was written is with the kernel, then says that no more comes."""
    await writer.drain()
    with suppress(OSError):
        writer.write_eof()
    await asyncio.sleep(_SLICE_SECONDS)


def _reset(writer: asyncio.StreamWriter) -> None:
    found: socket.socket | None = writer.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextmanager
def fault_proxy(host: str, port: int, rate: float = 200.0, delay: float = 0.2) -> Iterator[FaultProxy]:
    """A proxy in front of a server, passing everything at first; it and its thread are gone in the end."""
    loop = asyncio.new_event_loop()
    proxy = FaultProxy(loop, (host, port), rate, delay)
    thread = threading.Thread(target=loop.run_forever, name="fault-proxy")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(proxy.listen(), loop).result(_SWITCH_SECONDS)
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy.close(), loop).result(_SWITCH_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_SWITCH_SECONDS)
        loop.close()
