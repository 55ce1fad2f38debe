"""Records how long each file's tests take, for the order in which they begin: ``pytest -p tests.seconds -n 2 --dist loadfile``."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from tests.scheduling import SECONDS

_LEAST = 1.0
_taken: defaultdict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Adds up what each file's tests and fixtures took."""
    _taken[report.nodeid.partition("::")[0]] += report.duration


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Writes the files that take long; what a failed run took is not kept. A worker knows only its own part."""
    if exitstatus != pytest.ExitCode.OK or hasattr(session.config, "workerinput"):
        return
    found = {file: round(seconds, 1) for file, seconds in sorted(_taken.items()) if seconds >= _LEAST}
    SECONDS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
