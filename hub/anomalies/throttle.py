"""Throttles in force, in memory: one look into a dictionary on the way of every call."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from hub.anomalies.tables import anomaly
from hub.store.base import now
from schema.faults import Code, Fault

BURST_SECONDS = 10
"""A throttled application may make the calls of so many seconds at once."""


class Throttled(Fault):
    """``RATE_LIMITED`` by an alert; the text names it."""

    def __init__(self, throttle: Throttle, wait: int) -> None:
        what, each = throttle.resource or "全部资源 all resources", throttle.per_minute
        super().__init__(
            Code.RATE_LIMITED,
            f"因使用异常 {throttle.anomaly}，本应用对{what}的调用限为每分钟 {each} 次",
            f"this application's calls of {throttle.resource or 'all resources'} are limited to {each} per minute, because of the anomaly {throttle.anomaly}",
            "请按 Retry-After 重试；如属正常业务，请向数据主管部门说明并请其解除",
            "try again after Retry-After; if this use is in order, tell the data authority, who can release it",
            retry_after=wait,
        )
        self.anomaly = throttle.anomaly


@dataclass(frozen=True, slots=True)
class Throttle:
    """One in force, of a resource or with an empty one of all."""

    anomaly: str
    application: str
    resource: str
    per_minute: int
    until: datetime


class _Bucket:
    """A token bucket; times in seconds."""

    __slots__ = ("at", "throttle", "tokens")

    def __init__(self, throttle: Throttle, at: float) -> None:
        self.throttle = throttle
        self.tokens = self._most
        self.at = at

    @property
    def _most(self) -> float:
        return max(1.0, self.throttle.per_minute * BURST_SECONDS / 60)

    def wait(self, at: float) -> float:
        """Seconds until a call may be made: 0 where it may now, and is counted."""
        rate = self.throttle.per_minute / 60
        self.tokens, self.at = min(self._most, self.tokens + (at - self.at) * rate), at
        if self.tokens < 1:
            return (1 - self.tokens) / rate
        self.tokens -= 1
        return 0.0


class Throttles:
    """The throttles of this process. Lives on the event loop. Each process has a bucket of its own for each."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.held: Mapping[str, Mapping[str, _Bucket]] = {}
        """By application and resource."""

    def replace(self, throttles: Iterable[Throttle]) -> None:
        """Takes over what is in force; where nothing changed, buckets stay as full as they are."""
        before = {bucket.throttle: bucket for each in self.held.values() for bucket in each.values()}
        made: dict[str, dict[str, _Bucket]] = {}
        for throttle in throttles:
            held = made.setdefault(throttle.application, {})
            # Of several, the narrowest holds.
            if throttle.resource not in held or held[throttle.resource].throttle.per_minute > throttle.per_minute:
                held[throttle.resource] = before.get(throttle) or _Bucket(throttle, self._clock())
        self.held = made

    def take(self, application: str, resources: Iterable[str]) -> None:
        """Counts a call of an application that reads these resources.

        Raises:
            Throttled: there were too many.
        """
        held = self.held.get(application)
        if held is None:
            return
        for resource in ("", *resources):
            bucket = held.get(resource)
            if bucket is not None and bucket.throttle.until > now() and (wait := bucket.wait(self._clock())):
                raise Throttled(bucket.throttle, max(1, -int(-wait // 1)))

    def charge(self, application: str, asked: Sequence[tuple[str, str]]) -> None:
        """A call that asked for several identifiers (resource, value) counts as so many: the next ones wait for it."""
        held = self.held.get(application, {})
        for resource, number in (("", len(asked)), *Counter(resource for resource, _ in asked).items()):
            if (bucket := held.get(resource)) is not None:
                bucket.tokens -= number - 1


def read_throttles(connection: Connection) -> list[Throttle]:
    """Those that hold now."""
    column = anomaly.c
    names = (column.id, column.application, column.throttled_resource, column.per_minute, column.throttled_until)
    statement = select(*names).where(column.throttled_until > now(), column.released_at.is_(None)).order_by(column.id)
    return [Throttle(*row) for row in connection.execute(statement)]
