"""Options of the load test beside Locust's own, which alone ``locust --help`` shows; ``[tool.locust]`` and LOCUST_… of the environment may set them."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from locust.argument_parser import LocustArgumentParser

from loadtests.scenarios.curves import CURVES
from loadtests.scenarios.people import factor, whole
from loadtests.scenarios.plan import DEMO
from loadtests.scenarios.thresholds import Limits, per_name, rate, share

STEADY = "steady"
"""No shape: as many callers as --users says."""
_THRESHOLDS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "--fail-ratio": (share, "most failures, as a share of all requests, 0.01 for one in a hundred. Without it: none at all"),
    "--p95-ms": (per_name, "milliseconds within which 95 of 100 requests end; 200, or by name: look-up=50,list=200"),
    "--p99-ms": (per_name, "the same for 99 of 100"),
    "--min-rps": (rate, "fewest requests a second, over the whole run"),
}
"""What reads each, in the order of ``Limits``; help."""
_NUMBERS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "--seed": (whole, "What is drawn follows from it. Default: 1"),
    "--think": (factor, "Times of thinking are multiplied by it; 0: none. Default: 1"),
}
READERS: Mapping[str, Callable[[str], object]] = {name: read for name, (read, _) in (*_NUMBERS.items(), *_THRESHOLDS.items())}
"""By option, what raises ``ValueError`` or ``ArgumentTypeError`` where a text cannot be used: of all that the web page offers."""


def add_options(parser: LocustArgumentParser) -> None:
    """Adds them. Locust's web page offers those of no group: neither paths nor credentials can be changed there."""
    _add_files(parser)
    for name, (kind, text) in _NUMBERS.items():
        parser.add_argument(name, type=kind, default=kind("1"), metavar="<number>", env_var=_variable(name), help=text)
    for name, (read, text) in _THRESHOLDS.items():
        parser.add_argument(name, type=partial(_checked, read), default="", metavar="<limit>", env_var=_variable(name), help=f"Threshold: {text}")


def _add_files(parser: LocustArgumentParser) -> None:
    demo = Path(os.environ.get("HUITONG_HOME", ".huitong"), "demo")
    group = parser.add_argument_group("Huitong")
    for name, default, text in (
        ("--credentials", str(demo / "credentials.json"), "credentials.json that holds the application's client id and secret"),
        ("--application", "housing", "The application that asks, by its name in --credentials"),
        ("--people", str(demo / "samples.json"), "Whom to ask for; `python -m loadtests.scenarios.prepare` draws such a file"),
        ("--plan", str(DEMO), "What to ask"),
    ):
        group.add_argument(name, default=default, metavar="<text>", env_var=_variable(name), help=f"{text}. Default: {default}")
    shape = "How the callers change, up to --users within --run-time. Default: steady. In the web page: --class-picker"
    group.add_argument("--shape", choices=[STEADY, *CURVES], default=STEADY, env_var=_variable("--shape"), help=shape)


def _variable(option: str) -> str:
    return f"LOCUST_{option.strip('-').replace('-', '_').upper()}"


def limits(options: Namespace) -> Limits:
    """The thresholds, which were looked at when they were given. They are kept as texts, for that is what the web page gives."""
    return Limits(*(read(getattr(options, name.strip("-").replace("-", "_"))) for name, (read, _) in _THRESHOLDS.items()))


def _checked(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
    return text
