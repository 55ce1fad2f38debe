"""A hub's pages for people on a home of their own, with cheap hashes that are counted and a clock that tests hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hub.core import Core
from tests.catalog.homes import CONSOLE, new_core
from tests.people.house import Clock, House, house_of

CLOCKED = ("totp", "sessions", "attempts", "enrolment")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The machine's clock as the modules of people see it; stands still until it is moved."""
    held = Clock()
    for module in CLOCKED:
        monkeypatch.setattr(f"hub.people.{module}.real_now", held)
    return held


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """Two departments, no account."""
    with new_core(tmp_path) as made:
        made.catalog.create_department(CONSOLE, code="city_data", name="市大数据局", uscc="11520100009392151C")
        made.catalog.create_department(CONSOLE, code="housing", name="市住建局", uscc="11520100009395416E")
        yield made


@pytest.fixture
async def house(core: Core, clock: Clock) -> AsyncIterator[House]:
    """The pages over http, and a person who can log in."""
    async with house_of(core, clock) as made:
        yield made
