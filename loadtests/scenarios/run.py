"""What happens around a run: its options are checked, its shape is set, and in the end its thresholds decide the exit code."""

from __future__ import annotations

import csv
import logging
import sys
import time
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from locust import LoadTestShape, events
from locust.env import Environment
from locust.runners import WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC, StatsEntry

from loadtests.scenarios.address import address
from loadtests.scenarios.caller import world
from loadtests.scenarios.options import STEADY, add_options, limits
from loadtests.scenarios.page_form import guard
from loadtests.scenarios.ports import check_web, tell_of_masters
from loadtests.scenarios.shapes import Ramp, Soak, Spike
from loadtests.scenarios.tasks import JOB
from loadtests.scenarios.thresholds import Measured, exceeded
from loadtests.scenarios.users import MixedDay

_log = logging.getLogger("loadtests")
_CSV_SECONDS = 60.0
_SHAPES = (Ramp, Spike, Soak)
_ended: WeakKeyDictionary[Environment, float] = WeakKeyDictionary()


def register() -> None:
    """Joins Locust's events."""
    tell_of_masters()
    events.init_command_line_parser.add_listener(add_options)
    events.init.add_listener(_begin)
    events.test_stopping.add_listener(_note_end)
    events.quitting.add_listener(_judge)


def _begin(environment: Environment, **_: Any) -> None:
    """Ends with 2 before any request where a file, the host or the page's port cannot be used. Without names of callers: the mixed day. A worker is told all that by its master."""
    options = environment.parsed_options
    if options is None or isinstance(environment.runner, WorkerRunner):
        return
    try:
        world(options)
        if environment.host:
            address(environment.host)
    except ValueError as error:
        _log.error("%s", error)
        sys.exit(2)
    if environment.web_ui is not None:
        check_web(environment.web_ui.host, environment.web_ui.port)
        guard(environment.web_ui)
    if not options.user_classes:
        environment.user_classes = [each for each in environment.user_classes if each.__name__ == MixedDay.__name__]
    shapes: dict[str, LoadTestShape] = {shape.__name__: shape() for shape in _SHAPES}
    for shape in shapes.values():
        shape.runner = environment.runner
    environment.available_shape_classes = shapes
    if options.shape != STEADY:
        environment.shape_class = shapes[options.shape.capitalize()]


def _note_end(environment: Environment, **_: Any) -> None:
    """The last answer may have come long before: callers of a hub that hangs wait."""
    _ended[environment] = time.time()


def _await_csv(file: Path, requests: int) -> None:
    """Waits until the line of all requests tells of so many; at most for a minute."""
    until = time.monotonic() + _CSV_SECONDS
    while time.monotonic() < until:
        try:
            with file.open(encoding="utf-8", newline="") as lines:
                if any(row["Name"] == "Aggregated" and row["Request Count"] == str(requests) for row in csv.DictReader(lines)):
                    return
        except (OSError, KeyError):
            _log.debug("%s is not there yet", file)
        time.sleep(CSV_STATS_INTERVAL_SEC * 0.2)


def _judge(environment: Environment, **_: Any) -> None:
    options, stats = environment.parsed_options, environment.stats
    if options is None or isinstance(environment.runner, WorkerRunner):
        return
    if options.csv_prefix:
        # Locust writes its CSV once a second, and not at the end: without this, what the last second brought would be missing there.
        _await_csv(Path(f"{options.csv_prefix}_stats.csv"), stats.total.num_requests)
    wanted = limits(options)
    seconds = max(stats.last_request_timestamp or 0.0, _ended.get(environment, 0.0)) - (stats.start_time or 0.0)
    broken = environment.runner.exceptions.values() if environment.runner else ()
    lines = [f"threshold exceeded: {line}" for line in exceeded(wanted, map(_measured, stats.entries.values()), seconds)]
    lines += [f"callers broke off, {each['count']} times: {each['msg']}" for each in broken]
    for line in lines:
        _log.error("%s", line)
    if lines:
        environment.process_exit_code = 1
    elif wanted.fail_ratio is not None:
        # Without this, Locust ends with 1 for a single failure, however many are allowed.
        environment.process_exit_code = 0


def _measured(entry: StatsEntry) -> Measured:
    return Measured(entry.name, entry.num_requests, entry.num_failures, entry.response_times, apart=entry.method == JOB)
