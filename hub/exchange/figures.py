"""What the exchanges of this process did, for the metrics; and how far a running job is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hub.exchange.chunks import Chunk


@dataclass
class Figures:
    """Counted as it happens."""

    attempts: Counter[str] = field(default_factory=Counter)
    """By outcome: ``done``, ``failed``, ``lost`` (its worker), ``refused`` (not accepted)."""
    rows: int = 0
    """In accepted chunks."""
    bytes: int = 0
    pauses: Counter[str] = field(default_factory=Counter)
    """By what was waited for: ``hours``, ``quota``, ``disk``, ``ledger``."""


@dataclass
class Advance:
    """Rows and bytes of one job: of chunks that are done, and of attempts that are in work. Attempts may be told of from any thread."""

    done: dict[int, tuple[int, int]] = field(default_factory=dict)
    running: dict[int, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> Advance:
        """Of what is done already."""
        return cls({chunk.number: (chunk.rows, chunk.bytes) for chunk in chunks if chunk.state == "DONE"})

    def total(self) -> tuple[int, int]:
        """Rows and bytes."""
        both = [*list(self.done.values()), *list(self.running.values())]
        return sum(rows for rows, _ in both), sum(size for _, size in both)
