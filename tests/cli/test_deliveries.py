"""``huitong source deliveries``: what became of delivered files, and what was wrong with one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connectors.errors import SourceBusy
from connectors.registry import open_source
from connectors.selection import Selection
from connectors.spi import Source
from hub.core import open_core
from hub.settings import Settings
from tests.catalog.test_files import MANIFEST
from tests.cli.conftest import Cli

pytestmark = pytest.mark.slow
HEADER = "许可证号;统一社会信用代码;金额;更新时间\n"
GOOD = "A1;115201000093900013;1.50;2026-11-22\n"
BAD = "A2;115201000093900014;机密;2026-11-22\n"


@pytest.fixture
def folder(initialised: Cli, home: Path, tmp_path: Path) -> Path:
    """The folder of a published source of files."""
    folder = tmp_path / "deliveries"
    (folder / "permits").mkdir(parents=True)
    text = MANIFEST.replace("/srv/deliveries/permits", str(folder)).replace('{marker = ".done", look_seconds = 1.5}', "{settle_seconds = 0}")
    (tmp_path / "manifest.toml").write_text(text, encoding="utf-8")
    number = initialised("catalog", "import", tmp_path / "manifest.toml", "--actor", "li", "--json").data["id"]
    assert initialised("catalog", "review", number, "--approve", "--actor", "wang").code == 0
    assert initialised("catalog", "publish", number, "--actor", "wang").code == 0
    return folder


def serve_once(home: Path) -> None:
    """Lets the hub's own source look at the folder."""
    core = open_core(Settings(home=home))
    snapshot = core.catalog.current()
    core.close()

    async def count() -> None:
        source = open_source(snapshot.sources["planning.permits"])
        try:
            async with asyncio.timeout(60):
                while not await counted(source):  # noqa: ASYNC110 - the source tells of it to nobody
                    await asyncio.sleep(0.1)
        finally:
            await source.close()

    async def counted(source: Source) -> bool:
        try:
            await source.count(Selection(snapshot.resources["planning.permit"].binding, ()), {})
        except SourceBusy:
            # The first delivery is still being read: the hub would say so to its caller.
            return False
        return True

    asyncio.run(count())


def test_from_waiting_to_service_and_rejection(cli: Cli, home: Path, folder: Path) -> None:
    assert cli("source", "deliveries", "planning.permits").out == "尚无交付 no deliveries yet\n"
    (folder / "permits" / "20261120.csv").write_text(HEADER + GOOD, encoding="gb18030")
    (waiting,) = cli("source", "deliveries", "planning.permits", "--json").data
    assert (waiting["state"], waiting["reason"]) == ("waiting", "not read yet")
    (folder / "permits" / "20261121.csv").write_text(HEADER + BAD, encoding="utf-8")
    serve_once(home)
    good, bad = cli("source", "deliveries", "planning.permits", "--json").data
    assert (good["state"], good["rows"], good["encoding"], good["delimiter"]) == ("in service", 1, "gb18030", ";")
    assert good["moment"] == "2026-11-19T16:00:00+00:00"
    assert bad["findings"]["counts"] == {"USCC": 1, "TYPE": 1}
    told = cli("source", "deliveries", "planning.permits")
    assert told.code == 0
    assert "in service" in told.out
    assert "行 line 2 列 column 金额: TYPE" in told.err
    assert "机密" not in told.out + told.err
    assert cli("source", "check", "planning.permits").code == 3


def test_a_source_that_has_no_files(initialised: Cli) -> None:
    told = initialised("source", "deliveries", "planning.permits")
    assert told.code == 1
    assert "no source of files planning.permits" in told.err


def test_a_folder_that_is_gone(cli: Cli, folder: Path) -> None:
    (folder / "permits").rmdir()
    folder.rmdir()
    assert cli("source", "deliveries", "planning.permits").code == 3
