"""Deliveries come and go: the newest good one is in service, a bad one changes nothing, readers are never disturbed."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.breaker import FAILURES_TO_OPEN
from connectors.errors import SourceBusy, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.files import FilesConnector, process
from connectors.files.options import FilePart, ObjectSpec
from connectors.files.overview import Overview, overview
from connectors.files.shelf import shelf_folder
from connectors.files.source import FilesSource
from connectors.registry import open_source
from connectors.selection import Binding, Column, Compare, Comparison, Every, Kind, Linked, Order, Selection
from connectors.spi import Source, SourceConfig
from hub.catalog.sources import _close as close_all
from tests.connectors.files_writing import COLUMNS, write_text
from tests.connectors.stands.files import files_config

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
STABLE = Order("编号", Kind.BIGINT, nullable=False)


def binding(object_: str, **file: Any) -> Binding:
    spec = ObjectSpec(file=FilePart.model_validate(file), columns=COLUMNS)
    return Binding(object_, spec.model_dump_json(exclude_defaults=True))


SERIES = binding("permits/{date}_{n}.csv")


class Folder:
    """A department's folder, and sources over it."""

    def __init__(self, path: Path, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path / "deliveries"
        (self.path / "permits").mkdir(parents=True)
        self.snapshots = path / "snapshots"
        self.read: list[str] = []
        self._stack = stack
        self._count(monkeypatch)

    def _count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run = process.run

        async def counted(task: str, jobs: Any, options: Any, what: str) -> Any:
            self.read.append(task)
            return await run(task, jobs, options, what)

        monkeypatch.setattr(process, "run", counted)

    def config(self, *bindings: Binding, **options: object) -> SourceConfig:
        resources = [{"object": each.object, "options": each.options} for each in bindings]
        return files_config(self.path, self.snapshots, {"look_seconds": 0.05, "resources": resources, **options})

    def open(self, *bindings: Binding, **options: object) -> FilesSource:
        source = FilesConnector().open(self.config(*bindings, **options))
        self.close_with(source)
        return source

    def close_with(self, source: Source) -> None:
        """The source is closed in the end."""
        self._stack.push_async_callback(source.close)

    def deliver(self, name: str, *names: str, bad: bool = False) -> Path:
        """One row per name."""
        rows = [(str(number), each, "", "2026-02-30" if bad else "") for number, each in enumerate(names, 1)]
        made = write_text(self.path / f".{Path(name).name}.part", *rows)
        return made.rename(self.path / name)


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Folder]:
    async with AsyncExitStack() as stack:
        yield Folder(tmp_path, stack, monkeypatch)


def report(rejected: Overview) -> str:
    return Path(str(rejected.report)).read_text("utf-8")


async def names(source: Source, of: Binding = SERIES) -> list[object]:
    return [row[0] for row in await source.fetch(Selection(of, (Column("名称", Kind.STRING),), None, (STABLE,)), {})]


async def until(condition: Callable[[], bool], source: FilesSource) -> None:
    for _ in range(400):
        await source.refresh()
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come")


async def test_the_newest_delivery_is_the_data(folder: Folder) -> None:
    folder.deliver("permits/2026-11-20.csv", "旧")
    folder.deliver("permits/20261122.csv", "一")
    folder.deliver("permits/20261122_10.csv", "十")
    folder.deliver("permits/20261122_9.csv", "九")
    folder.deliver("permits/20261399.csv", "无此日")
    source = folder.open()
    assert await names(source) == ["十"]
    assert source.as_of(SERIES) == datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert folder.read == ["ingest"]


async def test_a_new_delivery_takes_over_in_the_background(folder: Folder) -> None:
    folder.deliver("permits/20261121.csv", "甲")
    source = folder.open(SERIES)
    assert await names(source) == ["甲"]
    folder.deliver("permits/20261122.csv", "乙", "丙")
    await until(lambda: source.as_of(SERIES) == datetime(2026, 11, 21, 16, tzinfo=UTC), source)
    assert await names(source) == ["乙", "丙"]
    assert [each.state for each in overview(folder.config(SERIES))] == ["in service", "replaced"]
    assert len(list(folder.snapshots.glob("*/*.duckdb"))) == 1


async def test_a_list_that_has_no_good_delivery_keeps_no_other_of_its_source_from_being_read(folder: Folder) -> None:
    folder.deliver("permits/20261121.csv", "甲")
    folder.deliver("list.csv", "乙", bad=True)
    source, bad = open_source(folder.config(SERIES, binding("list.csv"))), binding("list.csv")
    folder.close_with(source)
    for _ in range(2 * FAILURES_TO_OPEN):
        with pytest.raises(SourceUnavailable, match=r"no delivery of list\.csv is in service"):
            await names(source, bad)
    assert await names(source) == ["甲"]


async def test_an_older_delivery_that_comes_late_changes_nothing(folder: Folder) -> None:
    folder.deliver("permits/20261122.csv", "甲")
    source = folder.open(SERIES)
    assert await names(source) == ["甲"]
    folder.deliver("permits/20261121.csv", "迟")
    await source.check()
    for _ in range(5):
        await source.refresh()
        await asyncio.sleep(0.06)
    assert await names(source) == ["甲"]
    assert folder.read == ["ingest"]


async def test_a_bad_delivery_is_rejected_and_the_last_good_one_stays(folder: Folder) -> None:
    folder.deliver("permits/20261121.csv", "甲")
    source = folder.open(SERIES)
    assert await names(source) == ["甲"]
    assert (await source.check()).ok
    folder.deliver("permits/20261122.csv", "机密", "机密", bad=True)
    await until(lambda: len(overview(folder.config(SERIES))) == 2 and overview(folder.config(SERIES))[0].state == "rejected", source)
    rejected, good = overview(folder.config(SERIES))
    assert (good.state, good.rows, good.encoding, good.delimiter) == ("in service", 1, "utf-8", ",")
    assert rejected.findings is not None
    assert [(each["line"], each["column"], each["code"]) for each in rejected.findings["findings"]] == [
        (2, "日期", "DATE_NOT_REAL"),
        (3, "日期", "DATE_NOT_REAL"),
    ]
    assert "机密" not in report(rejected)
    assert await names(source) == ["甲"]
    check = await source.check()
    assert not check.ok
    assert "20261122.csv" in check.message
    assert str(rejected.report) in check.hint
    before = len(folder.read)
    for _ in range(5):
        await source.refresh()
        await asyncio.sleep(0.06)
    assert len(folder.read) == before, "a rejected delivery is not read again"
    folder.deliver("permits/20261122.csv", "改", "正", "了")
    await until(lambda: overview(folder.config(SERIES))[0].state == "in service", source)
    assert (await source.check()).ok


async def test_where_none_is_in_service_older_deliveries_are_tried(folder: Folder) -> None:
    folder.deliver("permits/20261120.csv", "好")
    folder.deliver("permits/20261121.csv", "坏", bad=True)
    folder.deliver("permits/20261122.csv", "坏", bad=True)
    source = folder.open()
    assert await names(source) == ["好"]
    assert folder.read == ["ingest"] * 3


async def test_where_all_are_bad_the_source_is_unavailable_and_says_where_to_look(folder: Folder) -> None:
    folder.deliver("permits/20261122.csv", "坏", bad=True)
    source = folder.open()
    with pytest.raises(SourceUnavailable, match="huitong source deliveries"):
        await names(source)


async def test_a_source_that_is_opened_again_reads_no_file_again(folder: Folder) -> None:
    folder.deliver("permits/20261122.csv", "甲")
    assert await names(folder.open()) == ["甲"]
    assert await names(folder.open()) == ["甲"]
    assert folder.read == ["ingest"]


async def test_another_description_of_the_file_reads_it_again(folder: Folder) -> None:
    folder.deliver("permits/20261122.csv", "甲")
    source = folder.open()
    assert await names(source) == ["甲"]
    assert await names(source, binding("permits/{date}_{n}.csv", null="-")) == ["甲"]
    assert folder.read == ["ingest", "ingest"]


async def test_a_snapshot_that_cannot_be_read_is_made_again(folder: Folder) -> None:
    folder.deliver("permits/20261122.csv", "甲")
    assert await names(folder.open()) == ["甲"]
    (snapshot,) = folder.snapshots.glob("*/*.duckdb")
    snapshot.write_bytes(b"broken" * 5000)
    assert await names(folder.open()) == ["甲"]
    assert folder.read == ["ingest", "ingest"]


async def test_a_reader_keeps_its_snapshot_while_it_is_replaced(folder: Folder) -> None:
    folder.deliver("permits/20261121.csv", "甲")
    source = folder.open(SERIES)
    async with source._reading(Selection(SERIES, ())) as rewriting:
        held = rewriting.selection(Selection(SERIES, (Column("名称", Kind.STRING),)))
        folder.deliver("permits/20261122.csv", "乙")
        await until(lambda: source.as_of(SERIES) == datetime(2026, 11, 21, 16, tzinfo=UTC), source)
        assert await names(source) == ["乙"]
        assert list(await source._sql.fetch(held, {})) == [("甲",)]
    with pytest.raises(SourceRefused):
        await source._sql.fetch(held, {})


async def test_a_delivery_waits_for_its_marker(folder: Folder) -> None:
    folder.deliver("permits/20261122.csv", "甲")
    source = folder.open(SERIES, marker=".done")
    with pytest.raises(SourceUnavailable):
        await names(source)
    (waiting,) = overview(folder.config(SERIES, marker=".done"))
    assert (waiting.state, waiting.reason) == ("waiting", "marker missing: permits/20261122.csv.done")
    (folder.path / "permits/20261122.csv.done").touch()
    assert await names(source) == ["甲"]


async def test_a_file_that_is_being_written_waits(folder: Folder) -> None:
    path = folder.deliver("permits/20261122.csv", "甲")
    source = folder.open(SERIES, settle_seconds=3600)
    with pytest.raises(SourceUnavailable):
        await names(source)
    assert overview(folder.config(SERIES, settle_seconds=3600))[0].reason == "being written"
    assert folder.read == []
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert await names(source) == ["甲"]


@pytest.mark.parametrize("name", ["20261122.csv.tmp", "20261122.csv.part", ".20261122.csv", "~$20261122.csv"])
async def test_names_of_unfinished_files_are_passed_over(folder: Folder, name: str) -> None:
    folder.deliver("permits/20261121.csv", "甲")
    folder.deliver("permits/20261122.csv", "乙").rename(folder.path / "permits" / name)
    assert await names(folder.open()) == ["甲"]


async def test_a_single_file_is_replaced(folder: Folder) -> None:
    one = binding("list.csv")
    os.utime(folder.deliver("list.csv", "甲"), (1_700_000_000, 1_700_000_000))
    source = folder.open(one)
    assert await names(source, one) == ["甲"]
    assert source.as_of(one) == datetime.fromtimestamp(1_700_000_000, UTC)
    folder.deliver("list.csv", "乙")
    await until(lambda: source.as_of(one) != datetime.fromtimestamp(1_700_000_000, UTC), source)
    assert await names(source, one) == ["乙"]
    (folder.path / "list.csv").unlink()
    assert await names(source, one) == ["乙"], "what is in service stays when its file goes"


async def test_dates_in_the_folder_s_name(folder: Folder) -> None:
    for day, name in (("20261121", "旧"), ("2026-11-22", "新")):
        (folder.path / day).mkdir()
        folder.deliver(f"{day}/permits.csv", name)
    assert await names(folder.open(), binding("{date}/permits.csv")) == ["新"]


async def test_an_empty_list_where_that_is_right(folder: Folder) -> None:
    folder.deliver("list.csv")
    source = folder.open()
    with pytest.raises(SourceUnavailable):
        await names(source, binding("list.csv"))
    assert await names(source, binding("list.csv", min_rows=0)) == []


async def test_callers_do_not_wait_long_for_a_first_delivery(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.deliver("permits/20261122.csv", "甲")
    release = asyncio.Event()
    run = process.run

    async def held(*arguments: Any) -> Any:
        await release.wait()
        return await run(*arguments)

    monkeypatch.setattr(process, "run", held)
    source = FilesConnector().open(replace(folder.config(SERIES), timeout_ms=200))
    try:
        with pytest.raises(SourceBusy, match="is being read"):
            await names(source)
        release.set()
        await until(lambda: source.as_of(SERIES) is not None, source)
        assert await names(source) == ["甲"]
    finally:
        await source.close()


def workers() -> list[int]:
    """Reading processes of this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if "connectors.files.worker" in (path / "cmdline").read_text() and f"PPid:\t{os.getpid()}\n" in (path / "status").read_text():
                found.append(int(path.name))
    return found


async def begun(folder: Folder, source: FilesSource, large: Binding) -> list[int]:
    """The reading process of a delivery that takes it a while."""
    write_text(folder.path / large.object, *[(str(n), "甲" * 50, "1.5", "2026-11-22") for n in range(200_000)])
    with pytest.raises(SourceBusy):
        await names(source, large)
    for _ in range(100):
        if found := workers():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("no process reads")


async def test_closing_ends_the_reading_process(folder: Folder) -> None:
    source = FilesConnector().open(replace(folder.config(), timeout_ms=300))
    assert len(await begun(folder, source, binding("list.csv"))) == 1
    await asyncio.wait_for(source.close(), 10)
    assert workers() == []
    assert not list(folder.snapshots.glob("*/work"))


async def test_a_reading_process_that_dies_rejects_the_delivery(folder: Folder) -> None:
    large = binding("list.csv")
    source = FilesConnector().open(replace(folder.config(large), timeout_ms=300))
    try:
        for pid in await begun(folder, source, large):
            os.kill(pid, signal.SIGKILL)
        await until(lambda: [each.state for each in overview(folder.config(large))] == ["rejected"], source)
        (rejected,) = overview(folder.config(large))
        assert rejected.findings is not None
        assert rejected.findings["counts"] == {"WORKER": 1}
    finally:
        await source.close()


async def test_links_between_files_of_one_source(folder: Folder) -> None:
    one, other = binding("list.csv"), binding("others.csv")
    folder.deliver("list.csv", "甲", "乙", "丙")
    folder.deliver("others.csv", "乙", "丙", "丁")
    source = folder.open()
    where = Linked("名称", Kind.STRING, other, "名称", Every((Compare("编号", Kind.BIGINT, Comparison.LT, "v"),)))
    rows = await source.fetch(Selection(one, (Column("名称", Kind.STRING),), where, (STABLE,)), {"v": 2})
    assert list(rows) == [("乙",)]


async def test_columns_beyond_the_catalog_s_are_refused_by_name(folder: Folder) -> None:
    folder.deliver("list.csv", "甲")
    source = folder.open()
    for name in ("没有", "c0", "l", '名称"'):
        with pytest.raises(SourceRefused, match="does not exist"):
            await source.fetch(Selection(binding("list.csv"), (Column(name, Kind.STRING),)), {})


async def test_objects_and_descriptions(folder: Folder) -> None:
    folder.deliver("permits/20261121.csv", "甲")
    folder.deliver("permits/20261122_3.csv", "甲", "乙")
    folder.deliver("permits/report_20261122.csv", "丙")
    (folder.path / "读我.md").write_text("no data")
    (folder.path / "broken.xlsx").write_bytes(b"PK")
    source = folder.open()
    found = {each.binding.object: each for each in await source.objects()}
    assert set(found) == {"permits/{date}.csv", "permits/{date}_{n}.csv", "permits/report_{date}.csv", "broken.xlsx"}
    assert "damaged" in found["broken.xlsx"].unreadable
    series = found["permits/{date}_{n}.csv"]
    assert [(column.name, column.kind) for column in series.columns][:2] == [("编号", Kind.INTEGER), ("名称", Kind.STRING)]
    assert series.primary_key == ("编号",)
    assert list(await source.fetch(Selection(series.binding, (Column("名称", Kind.STRING),), None, ()), {})) == [("甲",), ("乙",)]
    described = await source.describe(binding("permits/{date}_{n}.csv"))
    assert [(column.name, column.kind, column.nullable) for column in described] == [(each.name, each.kind, each.nullable) for each in COLUMNS]


async def test_a_slow_statement_is_cut(folder: Folder) -> None:
    folder.deliver("list.csv", *[str(n) for n in range(200)])
    source = FilesConnector().open(replace(folder.config(), timeout_ms=20_000, pool=1))
    try:
        one = binding("list.csv")
        assert len(await names(source, one)) == 200
        connection = await source._driver.connect()
        attached = source._snapshots.get(one)
        assert attached is not None
        table = attached.placed.table.object
        product = "t0.c0 * t1.c0 + t2.c0 * t3.c0 + t4.c0 * t5.c0 = 119999"
        reading = asyncio.create_task(connection.fetch(f"SELECT count(*) FROM {', '.join(f'{table} t{n}' for n in range(6))} WHERE {product}", []))
        await asyncio.sleep(0.2)
        assert not reading.done()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert connection.usable()
        assert list(await connection.fetch("SELECT 1", [])) == [(1,)]
        await connection.close()
        assert isinstance(source._driver.fault(duckdb.InterruptException(), "x"), SourceTimeout)
    finally:
        await source.close()


async def test_two_processes_share_a_shelf(folder: Folder) -> None:
    folder.deliver("permits/20261121.csv", "甲")
    first, second = folder.open(SERIES), folder.open(SERIES)
    assert await names(first) == ["甲"]
    assert await names(second) == ["甲"]
    folder.deliver("permits/20261122.csv", "乙")
    later = datetime(2026, 11, 21, 16, tzinfo=UTC)
    await until(lambda: first.as_of(SERIES) == later, first)
    await until(lambda: second.as_of(SERIES) == later, second)
    assert await names(second) == ["乙"]
    assert folder.read == ["ingest", "ingest"], "what one has read, the other takes over"


async def test_what_a_killed_hub_left_of_a_delivery_is_removed_though_no_delivery_comes(folder: Folder) -> None:
    folder.deliver("permits/20261122.csv", "甲")
    shelf = shelf_folder(folder.snapshots, folder.config().url, SERIES)
    for source in (folder.open(), folder.open()):
        assert await names(source) == ["甲"]
        (shelf / "work").mkdir()
        (shelf / "work" / "delivery.csv").write_text("甲", "utf-8")
        await until(lambda: not (shelf / "work").exists(), source)
        assert await names(source) == ["甲"]
    assert folder.read == ["ingest"]


async def test_shelves_that_the_catalog_no_longer_has_are_removed(folder: Folder) -> None:
    folder.deliver("permits/20261122.csv", "甲")
    other = binding("permits/{date}_{n}.csv", null="-")
    source = folder.open()
    assert await names(source) == await names(source, other) == ["甲"]
    kept, left = (shelf_folder(folder.snapshots, str(folder.path), each) for each in (SERIES, other))
    await folder.open(SERIES).refresh()
    assert left.is_dir(), "it was used today"
    for each in (kept, left):
        os.utime(each / "lock", (1_700_000_000, 1_700_000_000))
    await folder.open(SERIES).refresh()
    assert (kept.is_dir(), left.is_dir()) == (True, False)


async def test_a_hub_that_ends_while_it_copies_a_delivery_leaves_nothing_of_it(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.deliver("permits/20261122.csv", "甲")
    source = FilesConnector().open(folder.config(SERIES))
    copy, begun, allowed = source._store.copy, threading.Event(), threading.Event()

    def held(*arguments: Any) -> str:
        begun.set()
        allowed.wait(30)
        return copy(*arguments)

    monkeypatch.setattr(source._store, "copy", held)
    await source.refresh()
    assert await asyncio.to_thread(begun.wait, 30)
    asyncio.get_running_loop().call_later(0.2, allowed.set)
    await source.close()
    assert allowed.is_set()
    assert not (shelf_folder(folder.snapshots, folder.config().url, SERIES) / "work").exists()


async def test_a_store_that_hangs_keeps_nothing_else_from_being_closed(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.deliver("permits/20261122.csv", "甲")
    source = FilesConnector().open(folder.config(SERIES))
    begun, allowed = threading.Event(), threading.Event()

    def hanging(*_: Any) -> str:
        begun.set()
        allowed.wait(60)
        raise OSError

    monkeypatch.setattr(source._store, "copy", hanging)
    await source.refresh()
    assert await asyncio.to_thread(begun.wait, 30)
    try:
        await close_all([source])
        assert source._driver._closed
    finally:
        allowed.set()
