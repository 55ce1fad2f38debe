"""``python -m loadtests.staged demo …``: the hub, which tells what compiling costs by stages: from SIGUSR1 to SIGUSR2, into the file ``LOADTESTS_STAGES``."""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from connectors.sql import statements
from hub.cli import main
from schema import documents, plan, view

STAGES = "LOADTESTS_STAGES"
_WATCHED: tuple[tuple[Any, str, str], ...] = (
    (documents, "parse", "parsing"),
    (documents, "check_budget", "the budget"),
    (documents, "plainly_valid", "validation"),
    (documents, "validate", "validation by all rules"),
    (view.View, "schema", "cutting the schema"),
    (plan.Plans, "plan", "planning"),
    (statements.Statements, "_get", "SQL statements"),
)
_spent: dict[str, float] = defaultdict(float)
_within: list[float] = []


def watch(holder: Any, name: str, stage: str) -> None:
    """Adds up the CPU time of a function in the thread that calls it, without that of watched functions within."""
    inner: Callable[..., Any] = getattr(holder, name)

    def watched(*given: Any, **named: Any) -> Any:
        began = time.thread_time()
        _within.append(0.0)
        try:
            return inner(*given, **named)
        finally:
            lasted = time.thread_time() - began
            _spent[stage] += lasted - _within.pop()
            if _within:
                _within[-1] += lasted

    setattr(holder, name, watched)


if __name__ == "__main__":
    for each in _WATCHED:
        watch(*each)
    signal.signal(signal.SIGUSR1, lambda *_: _spent.clear())
    signal.signal(signal.SIGUSR2, lambda *_: Path(os.environ[STAGES]).write_bytes(orjson.dumps(dict(_spent))) and None)
    main()
