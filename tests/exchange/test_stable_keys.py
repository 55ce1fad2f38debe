"""Ordered exchanges go from chunk to chunk behind a stable key: where one is missing or stands twice, they fail rather than lose rows."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.errors import SourceTimeout
from connectors.sql.source import SqlSource
from tests.exchange.chunked import ORDERED, ROWS, World, difference, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("impatient")]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_in(tmp_path) as made:
        yield made


async def test_rows_without_a_stable_key_are_not_left_out_of_an_ordered_list(world: World, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "register.db")) as register:
        register.execute("CREATE TABLE free AS SELECT * FROM person")
        register.execute("UPDATE free SET pk = NULL WHERE pk IN (SELECT pk FROM free ORDER BY pk LIMIT 3 OFFSET 20)")
        register.execute("DROP TABLE person")
        register.execute("ALTER TABLE free RENAME TO person")
        register.commit()
    job = await world.start("ordered", document=ORDERED)
    found = await world.until(job, "FAILED")
    assert found["reason"].startswith("SOURCE_VALUE civil_affairs.person 有 3 行的稳定键为空")
    assert "3 rows of civil_affairs.person have no stable key" in found["reason"]
    job = await world.start("plain")
    await world.until(job, "SUCCEEDED")
    assert difference(world.files(job)) == (0, 0)


@pytest.mark.parametrize("times", [2, 3])
async def test_rows_that_share_a_stable_key_are_not_left_out_of_an_ordered_list(world: World, tmp_path: Path, times: int) -> None:
    """A view's key is guessed from a sample: where a chunk ends among rows of one place, the rest of them would be lost."""
    with closing(sqlite3.connect(tmp_path / "register.db")) as register:
        register.execute(f"CREATE TABLE several AS {' UNION ALL '.join(['SELECT * FROM person'] * times)}")
        register.execute("DROP TABLE person")
        register.execute("ALTER TABLE several RENAME TO person")
        register.commit()
    found = await world.until(await world.start("several", document=ORDERED), "FAILED")
    assert found["reason"].startswith("SOURCE_VALUE civil_affairs.person 的稳定键有重复")
    assert "the stable key of civil_affairs.person is not unique" in found["reason"]
    # In no order, slices of the key lose nothing.
    found = await world.until(await world.start("unordered"), "SUCCEEDED")
    assert found["progress"]["rowsDone"] == times * ROWS


async def test_a_list_too_long_to_be_counted_is_exchanged_in_order_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    async def late(*_: Any) -> int:
        nonlocal asked
        asked += 1
        raise SourceTimeout("civil_affairs.db", "the statement was stopped")

    monkeypatch.setattr(SqlSource, "count", late)
    with capture_logs() as logs:
        job = await world.start("uncounted", document=ORDERED)
        await world.until(job, "SUCCEEDED")
    assert asked == 2, "how many rows there are, and how many have no key"
    assert [each["resource"] for each in logs if each["event"] == "exchange_keys_not_checked"] == ["civil_affairs.person"]
    assert difference(world.files(job)) == (0, 0)


async def test_a_list_that_was_counted_is_looked_through_too_once_its_source_is_less_busy(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "register.db")) as register:
        register.execute("CREATE TABLE free AS SELECT * FROM person")
        register.execute("UPDATE free SET pk = NULL WHERE pk IN (SELECT pk FROM free ORDER BY pk LIMIT 3 OFFSET 20)")
        register.execute("DROP TABLE person")
        register.execute("ALTER TABLE free RENAME TO person")
        register.commit()
    asked, count = 0, SqlSource.count

    async def busy(*arguments: Any) -> int:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise SourceTimeout("civil_affairs.db", "the statement was stopped")
        return await count(*arguments)

    monkeypatch.setattr(SqlSource, "count", busy)
    job = await world.start("busy", document=ORDERED)
    found = await world.until(job, "FAILED")
    assert found["reason"].startswith("SOURCE_VALUE civil_affairs.person 有 3 行的稳定键为空")
