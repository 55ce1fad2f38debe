"""What keeps good deliveries in service: mistyped dates, moved folders, heaps of bad files, and neighbours that take long."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import SourceRefused
from connectors.files import process
from connectors.files.deliveries import CHINA, Delivery
from connectors.files.options import FilesOptions
from connectors.files.overview import overview
from connectors.files.shelf import Record, Shelf, now_text
from tests.connectors.test_files_deliveries import SERIES, Folder, folder, names, until

__all__ = ["folder"]

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_a_delivery_dated_in_the_future_waits_for_its_day(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A year mistyped in a name would else keep every later delivery out of service."""
    folder.deliver("permits/20261121.csv", "甲")
    for day in ("20620101", "20620102", "20620103", "20620104", "20991231"):
        folder.deliver(f"permits/{day}.csv", "误")
    source = folder.open(SERIES)
    assert await names(source) == ["甲"]
    folder.deliver("permits/20261122.csv", "乙")
    await until(lambda: source.as_of(SERIES) == datetime(2026, 11, 21, 16, tzinfo=UTC), source)
    assert await names(source) == ["乙"]
    assert (await source.check()).ok
    waiting = [each for each in overview(folder.config(SERIES)) if each.state == "waiting"]
    assert {(each.delivery, each.reason) for each in waiting} == {
        (f"permits/{day}.csv", "dated in the future") for day in ("20620101", "20620102", "20620103", "20620104", "20991231")
    }
    monkeypatch.setattr(Delivery, "early", lambda _self: False)
    await until(lambda: source.as_of(SERIES) == datetime(2099, 12, 30, 16, tzinfo=UTC), source)


async def test_tomorrow_s_delivery_is_not_early(folder: Folder) -> None:
    tomorrow = (datetime.now(CHINA) + timedelta(days=1)).strftime("%Y%m%d")
    folder.deliver(f"permits/{tomorrow}.csv", "明")
    assert await names(folder.open(SERIES)) == ["明"]


async def test_a_folder_that_was_moved_is_read_anew(folder: Folder, tmp_path: Path) -> None:
    """What lay in the old folder is not served from the new one, though it is newer and the snapshots' place is the same."""
    folder.deliver("permits/20261122.csv", "旧处")
    assert await names(folder.open(SERIES)) == ["旧处"]
    folder.path = tmp_path / "moved"
    (folder.path / "permits").mkdir(parents=True)
    with pytest.raises(SourceRefused, match="holds no such delivery"):
        await names(folder.open(SERIES))
    folder.deliver("permits/20261120.csv", "新处")
    assert await names(folder.open(SERIES)) == ["新处"]


async def test_a_source_holds_one_place_of_the_workers(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery that takes long to read keeps the other deliveries of its source waiting, and nobody else's."""
    running: list[str] = []
    ending = asyncio.Event()

    async def read(_task: str, _jobs: Any, _options: Any, what: str) -> None:
        running.append(what)
        await ending.wait()

    monkeypatch.setattr(process, "_run", read)
    options = FilesOptions()
    waiting = [asyncio.create_task(process.run("ingest", [], options, what)) for what in ("a.slow x.csv", "a.slow y.csv", "a.slow z.csv", "b.quick x.csv")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert running == ["a.slow x.csv", "b.quick x.csv"]
    ending.set()
    await asyncio.gather(*waiting)
    assert len(running) == 4


def shelved(day: int, number: int = 0) -> Record:
    return Record(f"{day}_{number}.csv|1|1", f"{day}_{number}.csv", "", "2026-11-21T16:00:00+00:00", now_text(), (f"2026-11-{day}", number, 0))


def test_however_many_bad_deliveries_there_are_each_is_read_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "permits/{date}_{n}.csv")
    made = tmp_path / "work.duckdb"
    made.touch()
    shelf.accept(shelved(21), made)
    for number in range(1, 41):
        shelf.reject(shelved(22, number), {})
    assert shelf.state().rejected == {f"22_{number}.csv|1|1" for number in range(1, 41)}
    assert (current := shelf.state().current) is not None
    assert current.name == "21_0.csv"
    shelf.tidy()
    assert len(list(tmp_path.glob("*.report.json"))) == 30, "the reports of the latest are kept"
    made.touch()
    shelf.accept(shelved(23), made)
    assert len(shelf.state().records) == 30, "what came before the delivery in service is of no account any more"
