"""Ordered exchanges go from chunk to chunk behind a stable key: where one is missing or stands twice, they fail rather than lose rows."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors import paging
from connectors.errors import SourceRefused, SourceTimeout
from connectors.negotiation import NegotiatedSource
from connectors.selection import Selection
from connectors.spi import Parameters
from connectors.sql.source import SqlSource
from tests.exchange.chunked import CHUNK, DOCUMENT, ORDERED, ROWS, World, difference, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("impatient")]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_in(tmp_path) as made:
        yield made


KEYLESS = "SELECT CASE WHEN pk BETWEEN 20 AND 22 THEN NULL ELSE pk END AS pk, number, name, born, note FROM person"


def replace_register(folder: Path, rows: str) -> None:
    """The register holds what this statement finds in it, without its primary key."""
    with closing(sqlite3.connect(folder / "register.db")) as register:
        register.execute(f"CREATE TABLE changed AS {rows}")
        register.execute("DROP TABLE person")
        register.execute("ALTER TABLE changed RENAME TO person")
        register.commit()


async def fails(world: World) -> None:
    """The ordered list does, and says that its key is not unique."""
    found = await world.until(await world.start("several", document=ORDERED), "FAILED")
    assert found["reason"].startswith("SOURCE_VALUE civil_affairs.person 的稳定键有重复")
    assert "the stable key of civil_affairs.person is not unique" in found["reason"]


async def test_rows_without_a_stable_key_are_not_left_out_of_an_ordered_list(world: World, tmp_path: Path) -> None:
    replace_register(tmp_path, KEYLESS)
    job = await world.start("ordered", document=ORDERED)
    found = await world.until(job, "FAILED")
    assert found["reason"].startswith("SOURCE_VALUE civil_affairs.person 有 3 行的稳定键为空")
    assert "3 rows of civil_affairs.person have no stable key" in found["reason"]
    job = await world.start("plain")
    await world.until(job, "SUCCEEDED")
    assert difference(world.files(job)) == (0, 0)


@pytest.mark.parametrize("document", [DOCUMENT, ORDERED])
@pytest.mark.parametrize(("register", "page"), [(KEYLESS, 2000), (f"{KEYLESS} WHERE pk BETWEEN 16 AND 23", 5)])
async def test_nor_out_of_a_list_that_is_read_page_after_page(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: str, register: str, page: int
) -> None:
    """Of several chunks, or of several pages in one chunk."""
    replace_register(tmp_path, register)
    monkeypatch.setattr(NegotiatedSource, "streams", lambda *_: False)
    monkeypatch.setattr(paging, "PAGE_ROWS", page)
    found = await world.until(await world.start("paged", document=document), "FAILED")
    assert "3 rows of civil_affairs.person have no stable key" in found["reason"]
    assert "orderBy" not in found["reason"]


@pytest.mark.parametrize("times", [2, 3])
async def test_rows_that_share_a_stable_key_are_not_left_out_of_an_ordered_list(world: World, tmp_path: Path, times: int) -> None:
    """A view's key is guessed from a sample: where a chunk ends among rows of one place, the rest of them would be lost."""
    replace_register(tmp_path, " UNION ALL ".join(["SELECT * FROM person"] * times))
    await fails(world)
    # In no order, slices of the key lose nothing.
    found = await world.until(await world.start("unordered"), "SUCCEEDED")
    assert found["progress"]["rowsDone"] == times * ROWS


async def test_nor_where_all_that_is_left_shares_the_place_of_the_last_row(world: World, tmp_path: Path) -> None:
    replace_register(tmp_path, f"SELECT one.* FROM person one JOIN (SELECT pk FROM person LIMIT {CHUNK + 2}) WHERE one.pk = 0")
    await fails(world)


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


async def test_a_source_that_refuses_to_look_for_rows_without_a_key_is_exchanged_page_after_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    count = SqlSource.count

    async def refuses(source: SqlSource, selection: Selection, parameters: Parameters) -> int:
        if selection.where is not None:
            raise SourceRefused("civil_affairs.db", "it does not look for what is missing")
        return await count(source, selection, parameters)

    monkeypatch.setattr(NegotiatedSource, "streams", lambda *_: False)
    monkeypatch.setattr(SqlSource, "count", refuses)
    with capture_logs() as logs:
        job = await world.start("refused")
        await world.until(job, "SUCCEEDED")
    assert [each["resource"] for each in logs if each["event"] == "exchange_keys_not_checked"] == ["civil_affairs.person"]
    assert difference(world.files(job)) == (0, 0)


async def test_a_list_that_was_counted_is_looked_through_too_once_its_source_is_less_busy(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_register(tmp_path, KEYLESS)
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
