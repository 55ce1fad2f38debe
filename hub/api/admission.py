"""How many calls are in work at once, over all and per caller: one caller cannot take the hub from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from schema.faults import Code, Fault


class Admission:
    """Counts calls in work. Lives on the event loop."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._each: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def admit(self, caller: str) -> Iterator[None]:
        """Holds a place while a call is in work.

        Raises:
            Fault: ``RATE_LIMITED``, at once, where no place is left.
        """
        if self._all >= self._most or self._each[caller] >= self._most_each:
            zh, en = ("平台繁忙", "the hub is busy") if self._all >= self._most else ("并发调用过多", "too many calls at once")
            raise Fault(Code.RATE_LIMITED, zh, en, "请稍后重试，并限制并发", "try again a little later, with fewer calls at once")
        self._each[caller] += 1
        self._all += 1
        try:
            yield
        finally:
            self._all -= 1
            self._each[caller] -= 1
            if not self._each[caller]:
                del self._each[caller]
