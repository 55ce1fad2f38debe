"""How many calls are in work at once, over all and per caller, and how fast the public may call: one caller cannot take the hub from the others."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from schema.faults import Code, Fault


class Admission:
    """Counts calls in work. Lives on the event loop."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._each: Counter[str] = Counter()
        self._all = 0
        self.refused = 0
        """Calls that found no place."""

    @property
    def in_work(self) -> int:
        """Calls that hold a place."""
        return self._all

    def enter(self, caller: str) -> None:
        """Takes a place for a call, until it leaves.

        Raises:
            Fault: ``RATE_LIMITED``, at once, where no place is left.
        """
        if self._all >= self._most or self._each[caller] >= self._most_each:
            self.refused += 1
            zh, en = ("平台繁忙", "the hub is busy") if self._all >= self._most else ("并发调用过多", "too many calls at once")
            raise Fault(Code.RATE_LIMITED, zh, en, "请稍后重试，并限制并发", "try again a little later, with fewer calls at once")
        self._each[caller] += 1
        self._all += 1

    def leave(self, caller: str) -> None:
        """Gives the place back."""
        self._all -= 1
        self._each[caller] -= 1
        if not self._each[caller]:
            del self._each[caller]


class PublicPace:
    """A token bucket per network address: ``rate`` calls a second, twice as many in a burst. Lives on the event loop.

    At most ``addresses`` are told apart at once; while all of them call, further ones share one bucket. ``clock`` gives seconds.
    """

    def __init__(self, rate: float, addresses: int = 4096, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = 2 * rate
        self._most = addresses
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Tokens and the time at which there were that many, by network; least recently used first."""

    def take(self, address: str) -> None:
        """Takes one token of an address's bucket.

        Raises:
            Fault: ``RATE_LIMITED``, where none is left.
        """
        now, network = self._clock(), self._place(network_of(address))
        tokens, at = self._buckets.get(network, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        self._buckets[network] = (tokens - 1 if tokens >= 1 else tokens, now)
        self._buckets.move_to_end(network)
        if tokens < 1:
            zh, en = "未携带令牌的调用过于频繁", "too many calls without a token from this address"
            raise Fault(Code.RATE_LIMITED, zh, en, "请稍后重试，或携带访问令牌", "try again a little later, or with an access token")

    def _place(self, network: str) -> str:
        if network not in self._buckets and len(self._buckets) >= self._most:
            oldest, (_, at) = next(iter(self._buckets.items()))
            # A bucket that has had the time to fill up is as good as none.
            if (self._clock() - at) * self._rate < self._burst:
                return _OTHERS
            del self._buckets[oldest]
        return network


def network_of(address: str) -> str:
    """The address, or of IPv6 the /64 network, all of whose addresses one host may use (RFC 4291 §2.5.1)."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return address


_OTHERS = "others"
