"""The shapes for Locust: how many callers there are when, within --users and --run-time."""

from __future__ import annotations

import time

from locust import LoadTestShape

from loadtests.scenarios.curves import callers

_USERS, _SECONDS, _MOST_A_SECOND = 20, 60, 100


class Shape(LoadTestShape):
    """Reads --users and --run-time of the run that it belongs to."""

    abstract = True
    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        """Callers wanted now, and how many of them to start or end in a second; ``None``: the run is over."""
        options = self.runner.environment.parsed_options if self.runner else None
        peak, seconds = getattr(options, "num_users", None) or _USERS, getattr(options, "run_time", None) or _SECONDS
        wanted = callers(type(self).__name__.lower(), time.perf_counter() - self.start_time, seconds, peak)
        return None if wanted is None else (wanted, float(min(peak, _MOST_A_SECOND)))


class Ramp(Shape):
    """Ten steps up to --users: where does it bend?"""


class Spike(Shape):
    """A tenth of --users, all of them in the middle, a tenth again: does it recover?"""


class Soak(Shape):
    """--users for all of --run-time: does anything grow?"""
