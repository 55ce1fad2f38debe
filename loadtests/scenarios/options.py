"""Options of the load test beside Locust's own: ``locust --help`` shows them, ``[tool.locust]`` and LOCUST_… of the environment may set them."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError, Namespace
from pathlib import Path

from locust.argument_parser import LocustArgumentParser

from loadtests.scenarios.curves import CURVES
from loadtests.scenarios.plan import DEMO
from loadtests.scenarios.thresholds import Limits, per_name

STEADY = "steady"
"""No shape: as many callers as --users says."""


def add_options(parser: LocustArgumentParser) -> None:
    """Adds them. Locust's web page offers those of no group: neither paths nor credentials can be changed there."""
    _add_files(parser)
    for name, kind, text in (
        ("--seed", int, "What is drawn follows from it. Default: 1"),
        ("--think", float, "Times of thinking are multiplied by it; 0: none. Default: 1"),
    ):
        parser.add_argument(name, type=kind, default=kind(1), metavar="<number>", env_var=_variable(name), help=text)
    for name, limit, text in (
        ("--fail-ratio", _limit, "Threshold: most failures, as a share of all requests, 0.01 for one. Without it: none at all"),
        ("--p95-ms", _limits, "Threshold: milliseconds within which 95 of 100 requests end; 200, or by name: look-up=50,list=200"),
        ("--p99-ms", _limits, "Threshold: the same for 99 of 100"),
        ("--min-rps", _limit, "Threshold: fewest requests a second, over the whole run"),
    ):
        parser.add_argument(name, type=limit, default="", metavar="<limit>", env_var=_variable(name), help=text)


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
    """The thresholds. They are kept as texts, for that is what the web page gives."""
    return Limits(_number(options.fail_ratio), per_name(options.p95_ms), per_name(options.p99_ms), _number(options.min_rps))


def _number(text: str) -> float | None:
    return float(text) if text else None


def _limit(text: str) -> str:
    try:
        if not text or float(text) >= 0:
            return text
    except ValueError:
        pass
    raise ArgumentTypeError(f"{text}: a number that is not negative is expected")


def _limits(text: str) -> str:
    try:
        per_name(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
    return text
