"""A page that was read, and the step to the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from connectors.rest.conditions import Sent
from connectors.rest.endpoint import Paging
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
    """What status 404 means of the page that is asked for: some services have no empty page behind their last item."""

    FIRST = auto()
    """No page was read yet."""
    WITHIN = auto()
    """The service itself told of the page: it is missing, and so would its rows be."""
    POSSIBLE = auto()
    TOLD = auto()
    """The service's own total says that all was read."""

    @classmethod
    def behind(cls, paging: Paging, read: int, total: int) -> End:
        """Behind a page, of ``read`` items in all pages so far, and the total that it told, 0 where it told none."""
        counted = paging.style in ("offset", "page")
        if counted and 0 < total <= read:
            return cls.TOLD
        flagged = paging.pages is not None or paging.more is not None or paging.last is not None
        return cls.POSSIBLE if counted and not flagged and total == 0 else cls.WITHIN


@dataclass(frozen=True, slots=True)
class Step:
    """The next page: by parameters, or at a target inside the source's address."""

    parameters: Mapping[str, Sent]
    target: str | None = None
