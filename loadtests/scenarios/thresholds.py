"""Limits that decide whether a run has passed: the share of failures, percentiles of the times, the rate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

ALL = ""
"""The name of a limit for all requests together."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was counted under one name: requests, failures, and how many requests took how many milliseconds. ``apart``: no requests, for limits of this name alone."""

    name: str
    requests: int
    failures: int
    times: Mapping[int, int] = field(default_factory=dict)
    apart: bool = False

    def percentile(self, percent: float) -> int:
        """Milliseconds within which so many percent of the requests ended."""
        wanted, seen = sum(self.times.values()) * percent / 100, 0
        for milliseconds in sorted(self.times):
            seen += self.times[milliseconds]
            if seen >= wanted:
                return milliseconds
        return 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run must keep to; ``None`` and an empty table: no limit. Percentiles in milliseconds by name, ``ALL`` for all together."""

    fail_ratio: float | None = None
    p95: Mapping[str, float] = field(default_factory=dict)
    p99: Mapping[str, float] = field(default_factory=dict)
    min_rps: float | None = None


def per_name(text: str) -> dict[str, float]:
    """``200`` or ``look-up=50,list=200,300``: a number alone is for all requests together; an empty text is no limit.

    Raises:
        ValueError: a part ends with no number, or with a negative one; or there are commas alone, by which every run would pass.
    """
    found = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, number = part.rpartition("=")
        limit = found[name.strip()] = _number(number)
        if math.isnan(limit):
            raise ValueError(f"{part}: a number of milliseconds is expected, or NAME=number")
    if text and not found:
        raise ValueError(f"{text}: a number of milliseconds is expected, or NAME=number")
    return found


def share(text: str) -> float | None:
    """``0.01`` for one in a hundred; ``None`` of an empty text.

    Raises:
        ValueError: it is none: ``5``, meant as a percentage, would let every run pass.
    """
    if text and not _number(text) <= 1:
        raise ValueError(f"{text}: a share from 0 to 1 is expected, 0.01 for one in a hundred")
    return float(text) if text else None


def rate(text: str) -> float | None:
    """Requests a second; ``None`` of an empty text.

    Raises:
        ValueError: it is no number, or a negative one.
    """
    if text and math.isnan(_number(text)):
        raise ValueError(f"{text}: a number that is not negative is expected")
    return float(text) if text else None


def _number(text: str) -> float:
    """NaN for what is no number, negative or infinite: as a limit, nothing would exceed it."""
    try:
        found = float(text)
    except ValueError:
        return math.nan
    return found if 0 <= found < math.inf else math.nan


def together(rows: Iterable[Measured]) -> Measured:
    """All requests as one row."""
    requests, failures, times = 0, 0, dict[int, int]()
    for row in (each for each in rows if not each.apart):
        requests, failures = requests + row.requests, failures + row.failures
        for milliseconds, count in row.times.items():
            times[milliseconds] = times.get(milliseconds, 0) + count
    return Measured(ALL, requests, failures, times)


def exceeded(limits: Limits, rows: Iterable[Measured], seconds: float) -> Iterator[str]:
    """A line for each limit that a run of so many seconds did not keep, with by how much. A run without requests keeps none."""
    by_name = {row.name: row for row in rows}
    total = by_name[ALL] = together(by_name.values())
    if not total.requests:
        yield "no requests were made"
        return
    ratio = total.failures / total.requests
    if limits.fail_ratio is not None and ratio > limits.fail_ratio:
        yield f"--fail-ratio: {ratio:.4f} of the requests failed, {ratio - limits.fail_ratio:.4f} more than {limits.fail_ratio:g}"
    yield from _slow(95, limits.p95, by_name)
    yield from _slow(99, limits.p99, by_name)
    reached = total.requests / seconds if seconds > 0 else 0.0
    if limits.min_rps is not None and reached < limits.min_rps:
        yield f"--min-rps: {reached:.1f} requests a second, {limits.min_rps - reached:.1f} fewer than {limits.min_rps:g}"


def _slow(percent: int, limits: Mapping[str, float], rows: Mapping[str, Measured]) -> Iterator[str]:
    for name, limit in limits.items():
        what = f"--p{percent}-ms{f' {name}' if name else ''}"
        if name not in rows or not rows[name].requests:
            yield f"{what}: there were no requests of this name"
        elif (found := rows[name].percentile(percent)) > limit:
            yield f"{what}: {found} ms, {found - limit:g} ms more than {limit:g}"
