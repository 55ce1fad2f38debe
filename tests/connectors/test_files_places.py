"""Where files are read from: nothing outside of the declared folder, nothing of the hub's own; other stores through fsspec."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from connectors.errors import ConfigFault, SourceRefused, SourceUnavailable
from connectors.files import FilesConnector
from connectors.files.deliveries import deliveries
from connectors.files.pattern import Pattern, generalised, pattern_problem, unfinished
from connectors.files.places import local_folder
from connectors.files.store import Store, TooLarge, Unstable, open_store
from connectors.registry import open_source
from connectors.selection import Column, Kind, Selection
from connectors.spi import SourceConfig
from tests.connectors.people import PEOPLE
from tests.connectors.stands.files import files_config, people_binding, write_csv


def store(folder: Path, closed: Path | None = None) -> Store:
    return open_store(SourceConfig("a.b", "files", str(folder)), {}, closed)


def found(of: Store, object_: str) -> list[str]:
    return [each.entry.name for each in deliveries(of, Pattern(object_))]


@pytest.mark.fast
@pytest.mark.parametrize(
    ("object_", "good"),
    [
        ("permits.csv", True),
        ("许可/清单.xlsx", True),
        ("permits/{date}.csv", True),
        ("{date}/permits.csv", True),
        ("permits_{date}_{n}.csv", True),
        ("permits_{date}_{date}.csv", False),
        ("permits_{n}.csv", False),
        ("{date}/{n}.csv", False),
        ("permits_{day}.csv", False),
        ("permits*.csv", False),
        ("permits[12].csv", False),
        ("/etc/passwd", False),
        ("../permits.csv", False),
        ("a/../../permits.csv", False),
        ("a//b.csv", False),
        ("./a.csv", False),
        (".hidden.csv", False),
        ("a\\b.csv", False),
    ],
)
def test_names_of_objects(object_: str, good: bool) -> None:
    problem = pattern_problem(object_)
    assert (problem is None) is good
    assert problem is None or all(problem)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("permits_20261122.csv", "permits_{date}.csv"),
        ("permits-2026-11-22_3.csv", "permits-{date}_{n}.csv"),
        ("permits.csv", "permits.csv"),
        ("12345678901.csv", "12345678901.csv"),
        ("20269999.csv", "20269999.csv"),
    ],
)
def test_dated_files_are_a_series(name: str, series: str) -> None:
    assert generalised(name) == series
    assert Pattern(series).match(0, name) is not None


@pytest.mark.fast
def test_symbolic_links_out_of_the_folder_are_passed_over(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "20261122.csv").write_text("secret")
    (folder / "20261120.csv").write_text("own")
    (folder / "20261122.csv").symlink_to(other / "20261122.csv")
    (folder / "20261121.csv").symlink_to(folder / "20261120.csv")
    (folder / "elsewhere").symlink_to(other)
    (folder / "nowhere.csv").symlink_to(folder / "missing.csv")
    os.mkfifo(folder / "20261123.csv")
    assert found(store(folder), "{date}.csv") == ["20261121.csv", "20261120.csv"]
    assert found(store(folder), "elsewhere/{date}.csv") == []
    assert found(store(folder), "nowhere.csv") == []


@pytest.mark.fast
def test_a_link_that_is_put_there_after_the_look_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("x" * 3)
    (folder / "list.csv").write_text("own")
    local = store(folder)
    (delivery,) = deliveries(local, Pattern("list.csv"))
    (folder / "list.csv").unlink()
    (folder / "list.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(Unstable):
        local.copy(delivery.entry, tmp_path / "copy", 100)
    assert not (tmp_path / "copy").exists()


@pytest.mark.fast
def test_the_hub_s_own_files_are_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for each in ("keys", "demo"):
        (home / each).mkdir(parents=True)
        (home / each / "list.csv").write_text("x")
    assert found(store(tmp_path, home), "home/keys/list.csv") == []
    assert found(store(tmp_path, home), "home/demo/list.csv") == []
    assert found(store(home / "demo", home), "list.csv") == ["list.csv"]
    (home / "demo" / "keys").symlink_to(home / "keys")
    assert found(store(home / "demo", home), "keys/list.csv") == []
    turned = tmp_path / "turned"
    turned.symlink_to(home / "keys")
    with pytest.raises(OSError, match="leads out"):
        found(store(turned, home), "list.csv")


@pytest.mark.fast
def test_a_file_that_changes_while_it_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("one")
    local = store(tmp_path)
    (delivery,) = deliveries(local, Pattern("list.csv"))
    path.write_text("longer")
    with pytest.raises(Unstable):
        local.copy(delivery.entry, tmp_path / "copy", 100)


@pytest.mark.fast
def test_a_file_that_is_too_large_is_not_copied_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"x" * 5_000_000)
    local = store(tmp_path)
    (delivery,) = deliveries(local, Pattern("list.csv"))
    with pytest.raises(TooLarge):
        local.copy(delivery.entry, tmp_path / "copy", 1024)
    assert (tmp_path / "copy").stat().st_size < 2_000_000


@pytest.mark.fast
@pytest.mark.parametrize(
    "url", ["http://host/x", "https://host/x", "simplecache::s3://b/x", "zip://x::file:///a.zip", "file://host/x", "github://a:b@/", "x://"]
)
def test_stores_that_are_not_known(url: str) -> None:
    with pytest.raises(ValueError, match=r"no store|written file"):
        local_folder(url)
    with pytest.raises(ConfigFault, match="names no folder"):
        FilesConnector().open(SourceConfig("a.b", "files", url))


@pytest.mark.fast
@pytest.mark.parametrize(("url", "path"), [("/srv/x", "/srv/x"), ("file:///srv/%E5%85%B1", "/srv/共"), ("x/y", "x/y"), ("memory://x", None)])
def test_folders(url: str, path: str | None) -> None:
    assert local_folder(url) == (Path(path) if path else None)


@pytest.mark.fast
@pytest.mark.parametrize(("url", "package"), [("s3://bucket/x", "s3fs"), ("gs://bucket/x", "gcsfs"), ("abfs://c/x", "adlfs")])
def test_a_missing_package_is_named(url: str, package: str) -> None:
    with pytest.raises(ConfigFault) as fault:
        FilesConnector().open(SourceConfig("a.b", "files", url))
    assert package in fault.value.hint


@pytest.mark.fast
@pytest.mark.parametrize("options", [{"look_second": 1}, {"look_seconds": 0}, {"marker": "done"}, {"max_rows": 0}, {"memory_mb": 100}, {"storage": {"a": []}}])
def test_options_that_do_not_fit(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(ConfigFault, match=next(iter(options))):
        FilesConnector().open(files_config(tmp_path, tmp_path / "snapshots", options))


@pytest.fixture
def memory() -> Iterator[str]:
    """A folder in fsspec's memory."""
    system = fsspec.filesystem("memory")
    system.makedirs("/deliveries/2026", exist_ok=True)
    yield "memory://deliveries"
    system.rm("/deliveries", recursive=True)


@pytest.mark.slow
@pytest.mark.anyio
async def test_another_store(tmp_path: Path, memory: str) -> None:
    write_csv(tmp_path / "people.csv", PEOPLE)
    fsspec.filesystem("memory").pipe("/deliveries/2026/20261122.csv", (tmp_path / "people.csv").read_bytes())
    config = SourceConfig("a.b", "files", memory, timeout_ms=30_000, options={"settle_seconds": 0, "snapshots": str(tmp_path / "s")})
    source = open_source(config)
    try:
        binding = people_binding("2026/{date}.csv")
        assert await source.count(Selection(binding, ()), {}) == len(PEOPLE)
        assert [each.binding.object for each in await source.objects()] == ["2026/{date}.csv"]
        with pytest.raises(SourceRefused, match="does not exist"):
            await source.count(Selection(people_binding("2027/{date}.csv"), ()), {})
    finally:
        await source.close()


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    source = open_source(files_config(tmp_path / "missing", tmp_path / "snapshots"))
    try:
        check = await source.check()
        assert (check.ok, "cannot be read" in check.message) == (False, True)
        with pytest.raises(SourceUnavailable):
            await source.fetch(Selection(people_binding("people.csv"), (Column("name", Kind.STRING),)), {})
        with pytest.raises(SourceUnavailable):
            await source.objects()
    finally:
        await source.close()


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_source_without_a_home_keeps_its_snapshots_until_it_is_closed(tmp_path: Path) -> None:
    write_csv(tmp_path / "people.csv", PEOPLE)
    source = FilesConnector().open(SourceConfig("a.b", "files", str(tmp_path), timeout_ms=30_000, options={"settle_seconds": 0}))
    assert await source.count(Selection(people_binding("people.csv"), ()), {}) == len(PEOPLE)
    kept = source._folder
    assert list(kept.glob("*/*.duckdb"))
    await source.close()
    assert not kept.exists()


@pytest.mark.fast
def test_names_of_unfinished_files() -> None:
    assert [name for name in ("a.csv", "a.csv.tmp", "a.PART", ".a.csv", "~$a.xlsx", "a.partial") if not unfinished(name)] == ["a.csv"]
