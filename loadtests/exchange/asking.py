"""Look-ups by callers who know nothing of one another, as long as something else goes on: an open loop in a process of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

import orjson

from loadtests.city import City
from loadtests.comparison.steady import latencies, percentile
from loadtests.exchange import residents
from tests.scale.served import Served

PER_SECOND = 50.0
_DIFFERENT = 500


@dataclass(frozen=True)
class Waits:
    """Milliseconds of look-ups."""

    p50: float
    p99: float
    calls: int


class Callers:
    """Asks a hub for residents by number."""

    def __init__(self, pool: ProcessPoolExecutor, hub: Served, persons: int) -> None:
        self._pool = pool
        self._hub = hub
        self._persons = persons

    def ask(self, seconds: float) -> Future[list[float]]:
        """Asks for so long, beside whoever called."""
        return self._pool.submit(latencies, int(self._hub.url.rpartition(":")[2]), PER_SECOND, seconds, self._requests(), 16)

    def _requests(self) -> list[bytes]:
        self._hub.renew(residents.ASKING)
        head = (
            "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept: application/graphql-response+json\r\n"
            f"huitong-purpose: use\r\nhuitong-operator: bench\r\nauthorization: Bearer {self._hub.token(residents.ASKING)}\r\ncontent-length: "
        )
        city, draw = City(persons=self._persons, seed=residents.SEED), random.Random(11)  # noqa: S311 - who is looked up
        bodies = [orjson.dumps({"query": residents.LOOK_UP, "variables": {"id": city.id_number(draw.randint(1, self._persons))}}) for _ in range(_DIFFERENT)]
        return [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]


@contextmanager
def callers(hub: Served, persons: int) -> Iterator[Callers]:
    """Callers of the hub, warmed up; their process ends with the block."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        found = Callers(pool, hub, persons)
        found.ask(3.0).result()
        yield found


def waits(milliseconds: list[float]) -> Waits:
    """What they say."""
    return Waits(percentile(milliseconds, 0.5), percentile(milliseconds, 0.99), len(milliseconds))
