"""How often a source may be asked again: a share of its successes, so that one that fails is not hammered."""

from __future__ import annotations


class RetryBudget:
    """Tokens that retries cost. Every success adds ``ratio`` of one, up to ``most``; at first there are ``floor``.

    With the standard numbers at most every tenth call is a retry in the long run, and three in a row after a start.
    The idea is that of Finagle's retry budgets and of gRPC's retry throttling (gRFC A6). Lives on one event loop.
    """

    def __init__(self, ratio: float = 0.1, floor: float = 3, most: float = 20) -> None:
        self._ratio = ratio
        self._most = most
        self._tokens = min(floor, most)

    def succeeded(self) -> None:
        """A call did its work at last."""
        self._tokens = min(self._tokens + self._ratio, self._most)

    def take(self) -> bool:
        """May one retry be made? It is paid for with this."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
