"""A page that was read, and the step to the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
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


class End(Enum):
    """Whether the page that is asked for may lie behind the last item, where some services have no empty page, but status 404."""

    NOT_YET = auto()
    POSSIBLE = auto()
    TOLD = auto()
    """The service's own total says so."""

    @classmethod
    def of(cls, before: Sequence[Any], read: int, total: int) -> End:
        """Behind the page ``before``, of ``read`` items in all pages so far, and the total that it told, 0 where it told none."""
        if not before:
            return cls.NOT_YET
        return cls.TOLD if 0 < total <= read else cls.POSSIBLE


@dataclass(frozen=True, slots=True)
class Step:
    """The next page: by parameters, or at a target inside the source's address."""

    parameters: Mapping[str, Sent]
    target: str | None = None
