"""A page that was read, and the step to the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.rest.conditions import Sent
from connectors.rest.exchange import Answer


@dataclass(frozen=True, slots=True)
class Page:
    """``count`` items came where ``size`` were asked for; ``more`` where the service's own total says that others are behind them."""

    answer: Answer
    document: Any
    count: int
    size: int
    more: bool = False

    @property
    def full(self) -> bool:
        """There may be another page: services that give fewer items than they are asked for tell by their total that they do."""
        return self.count >= self.size or (self.more and self.count > 0)


@dataclass(frozen=True, slots=True)
class Step:
    """The next page: by parameters, or at a target inside the source's address."""

    parameters: Mapping[str, Sent]
    target: str | None = None
