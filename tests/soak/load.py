"""Calls at a fixed rate, whatever becomes of earlier ones; each latency counts from the moment at which the call was due."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

_MOST_OPEN = 512


@dataclass
class Outcome:
    """What became of the calls of one kind in one phase."""

    seconds: list[float] = field(default_factory=list)
    """Of every call, whatever became of it."""
    failed: Counter[str] = field(default_factory=Counter)
    """Calls that did not get what they must get, by what came instead."""

    @property
    def calls(self) -> int:
        """All calls."""
        return len(self.seconds)

    @property
    def success(self) -> float:
        """Share of calls that got what they must get."""
        return 1 - self.failed.total() / max(1, self.calls)

    def quantile(self, share: float) -> float:
        """Seconds within which this share of the calls ended (nearest rank)."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def add(self, other: Outcome) -> None:
        """Takes another's calls in."""
        self.seconds += other.seconds
        self.failed += other.failed


Judge = Callable[[dict[str, Any]], str | None]
"""What is wrong with a GraphQL answer, if anything."""


@dataclass(frozen=True)
class Kind:
    """One kind of call: documents in turn, ``rate`` a second, judged by ``wrong``."""

    name: str
    documents: Sequence[str]
    rate: float
    headers: dict[str, str]
    wrong: Judge


async def phase(base: str, kinds: Sequence[Kind], seconds: float) -> dict[str, Outcome]:
    """Runs all kinds side by side for so long, and waits for the last answers."""
    limits = httpx2.Limits(max_connections=_MOST_OPEN, max_keepalive_connections=_MOST_OPEN)
    async with httpx2.AsyncClient(base_url=base, timeout=60, trust_env=False, limits=limits) as client:
        outcomes = [Outcome() for _ in kinds]
        await asyncio.gather(*(_paced(client, kind, outcome, seconds) for kind, outcome in zip(kinds, outcomes, strict=True)))
    return {kind.name: outcome for kind, outcome in zip(kinds, outcomes, strict=True)}


async def _paced(client: httpx2.AsyncClient, kind: Kind, outcome: Outcome, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for i in range(int(seconds * kind.rate)):
            due = began + i / kind.rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            group.create_task(_call(client, kind, kind.documents[i % len(kind.documents)], outcome, due))


async def _call(client: httpx2.AsyncClient, kind: Kind, document: str, outcome: Outcome, due: float) -> None:
    try:
        response = await client.post("/graphql", json={"query": document}, headers=kind.headers)
        wrong = kind.wrong(response.json()) if response.status_code == httpx2.codes.OK else f"status {response.status_code}"
    except httpx2.TransportError as error:
        wrong = type(error).__name__
    outcome.seconds.append(asyncio.get_running_loop().time() - due)
    if wrong is not None:
        outcome.failed[wrong] += 1
