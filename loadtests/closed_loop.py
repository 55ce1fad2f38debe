"""A closed loop of callers over kept connections: each asks anew as soon as it is answered. Counts answers and their times, and looks at each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

GOOD = b"HTTP/1.1 200 "


@dataclass
class Counted:
    """What a loop has seen: seconds from question to answer, in the order of the answers, and how long it went on."""

    seconds: list[float] = field(default_factory=list)
    lasted: float = 0.0
    wrong: int = 0
    first_wrong: bytes = b""

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.seconds) / self.lasted


class _Caller(asyncio.Protocol):
    """One connection. Answers have a Content-Length and come whole before the next question."""

    def __init__(
        self, requests: Iterator[bytes], counted: Counted, ends: tuple[float, float], good: Callable[[bytes], bool], done: asyncio.Future[None]
    ) -> None:
        self._requests, self._counted, self._good, self._done = requests, counted, good, done
        self._until, self._most = ends
        self._buffer = bytearray()
        self._began = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        place = self._buffer.lower().find(b"content-length:", 0, head)
        size = int(self._buffer[place + 15 : self._buffer.find(b"\r", place)])
        if len(self._buffer) < head + 4 + size:
            return
        self._note(bytes(self._buffer))
        self._buffer.clear()
        if time.perf_counter() < self._until and len(self._counted.seconds) < self._most:
            self._ask()
        elif self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _ask(self) -> None:
        self._began = time.perf_counter()
        if self._transport is not None:
            self._transport.write(next(self._requests))

    def _note(self, answer: bytes) -> None:
        self._counted.seconds.append(time.perf_counter() - self._began)
        if not (answer.startswith(GOOD) and self._good(answer)):
            self._counted.wrong += 1
            self._counted.first_wrong = self._counted.first_wrong or answer[:2000]


async def loop(port: int, connections: int, seconds: float, requests: Iterator[bytes], good: Callable[[bytes], bool], most: int | None = None) -> Counted:
    """Asks for so long, or until there are ``most`` answers, and waits for the last.

    Raises:
        RuntimeError: an answer was not as it should be; it is quoted.
    """
    counted, running = Counted(), asyncio.get_running_loop()
    began = time.perf_counter()
    waiting = []
    for _ in range(connections):
        done = running.create_future()
        waiting.append(done)
        await running.create_connection(partial(_Caller, requests, counted, (began + seconds, most or float("inf")), good, done), "127.0.0.1", port)
    await asyncio.gather(*waiting)
    counted.lasted = time.perf_counter() - began
    if counted.wrong:
        raise RuntimeError(f"{counted.wrong} of {len(counted.seconds)} answers were wrong; the first: {counted.first_wrong!r}")
    return counted
