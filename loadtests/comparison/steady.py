"""An open loop: requests come at a rate whatever the answers do, as callers do who know nothing of one another; how long each takes."""

from __future__ import annotations

import asyncio
import gc
import itertools
import math
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import cast

import uvloop

_TICK = 0.001


class _Connection(asyncio.Protocol):
    """One question at a time; free again when its answer is whole."""

    def __init__(self, loop: _Loop) -> None:
        self._loop = loop
        self._buffer = bytearray()
        self._whole = 0
        self._due = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have this interface, but not this class.
        self._transport = cast(asyncio.WriteTransport, transport)
        self._loop.free.append(self)

    def ask(self, request: bytes, due: float) -> None:
        self._due = due
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._whole:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            place = self._buffer.lower().find(b"content-length:", 0, head)
            self._whole = head + 4 + int(self._buffer[place + 15 : self._buffer.find(b"\r", place)])
        if len(self._buffer) >= self._whole:
            good = self._buffer.startswith(b"HTTP/1.1 200 ") and self._buffer.find(b'"errors"') < 0
            if not good:
                self._loop.wrong.append(bytes(self._buffer[:1500]))
            self._buffer.clear()
            self._whole = 0
            self._loop.answered(self, self._due)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Loop:
    """Connections, and the questions that wait for one."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.free: deque[_Connection] = deque()
        self.milliseconds: list[float] = []
        self.wrong: list[bytes] = []
        self.under_way = 0
        self._requests = requests
        self._waiting: deque[float] = deque()

    def ask(self) -> None:
        due = time.perf_counter()
        self.under_way += 1
        if self.free:
            self.free.popleft().ask(next(self._requests), due)
        else:
            self._waiting.append(due)

    def answered(self, connection: _Connection, due: float) -> None:
        self.milliseconds.append(1000 * (time.perf_counter() - due))
        self.under_way -= 1
        if self._waiting:
            connection.ask(next(self._requests), self._waiting.popleft())
        else:
            self.free.append(connection)


def latencies(port: int, per_second: float, seconds: float, requests: Sequence[bytes], connections: int = 64) -> list[float]:
    """Milliseconds of each request, from its coming (also where it waits for a connection) to its answer. How many come in a millisecond is drawn (Poisson).

    Raises:
        RuntimeError: an answer was not 200 or held errors, or the server could not keep up.
    """
    gc.disable()
    try:
        return uvloop.run(_measured(port, per_second, seconds, itertools.cycle(requests), connections))
    finally:
        gc.enable()


async def _measured(port: int, per_second: float, seconds: float, requests: Iterator[bytes], connections: int) -> list[float]:
    loop, running = _Loop(requests), asyncio.get_running_loop()
    made = [(await running.create_connection(partial(_Connection, loop), "127.0.0.1", port))[1] for _ in range(connections)]
    draw = random.Random(7)  # noqa: S311 - when requests come
    began = last = time.perf_counter()
    while last - began < seconds:
        await asyncio.sleep(_TICK)
        now = time.perf_counter()
        for _ in range(_poisson(draw, per_second * (now - last))):
            loop.ask()
        last = now
    for _ in range(1000):
        if not loop.under_way:
            break
        await asyncio.sleep(0.01)
    for connection in made:
        connection.close()
    if loop.wrong or loop.under_way:
        raise RuntimeError(f"{len(loop.wrong)} of {len(loop.milliseconds)} answers were wrong, {loop.under_way} never came; {loop.wrong[:1]}")
    return loop.milliseconds


def _poisson(draw: random.Random, mean: float) -> int:
    """Knuth, The Art of Computer Programming, volume 2, 3.4.1 F."""
    limit, count, product = math.exp(-min(mean, 500.0)), 0, draw.random()
    while product > limit:
        count += 1
        product *= draw.random()
    return count


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which this part of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
