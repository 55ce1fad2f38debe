"""Which tests are looked at, which go to one worker together, and in which order: the longest files first, so that no worker is left with one at the end."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
SECONDS = Path(__file__).with_name("seconds.json")
"""Of each file's tests, from a run of everything (tests.seconds); small ones are left out."""
_TOGETHER = re.compile(r'xdist_group\("(\w+)"\)')


@cache
def together(file: str) -> str:
    """The group that a file names by ``xdist_group``, such as those that share one hub; else the file is a group of its own."""
    found = _TOGETHER.search((ROOT / file).read_text(encoding="utf-8"))
    return found[1] if found else file


@cache
def recorded() -> dict[str, float]:
    """Seconds by group."""
    found: dict[str, float] = {}
    for file, seconds in json.loads(SECONDS.read_bytes()).items():
        if (ROOT / file).exists():
            found[together(file)] = found.get(together(file), 0.0) + seconds
    return found


def _place(item: pytest.Item) -> float:
    return -recorded().get(together(item.nodeid.partition("::")[0]), 0.0)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where the fast tests alone are wanted, files without any are not even imported. Those of connectors are fast by the stand that they are given."""
    if config.option.markexpr != "fast" or not collection_path.match("test_*.py") or collection_path.parent.name == "connectors":
        return None
    return True if "mark.fast" not in collection_path.read_text(encoding="utf-8") else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest groups first; within a file the order stays."""
    items.sort(key=_place)


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker whole groups, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together | None:
    """Of ``--dist loadfile``; any other is xdist's own."""
    return Together(config, log) if config.getoption("dist") == "loadfile" else None
