"""Requests that nobody has answered when the run is over. Locust forgets them, so that a hub which hangs would leave a run without a failure."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gevent import GreenletExit
from locust import FastHttpUser
from locust.exception import CatchResponseError


@contextmanager
def awaited(caller: FastHttpUser, method: str, name: str) -> Iterator[None]:
    """Around a request: given up after --stop-timeout at least, it is counted as a failure. What began shortly before is not: it may well have been answered."""
    began, began_at = time.perf_counter(), time.time()
    try:
        yield
    except GreenletExit:
        waited = time.perf_counter() - began
        if waited >= (caller.environment.stop_timeout or math.inf):
            caller.environment.events.request.fire(
                request_type=method,
                name=name,
                response_time=waited * 1000,
                response_length=0,
                exception=CatchResponseError("no answer when the run ended"),
                context={},
                start_time=began_at,
                url="",
                response=None,
            )
        raise
