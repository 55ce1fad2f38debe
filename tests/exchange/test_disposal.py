"""Files whose time is over are deleted where they lie, and entered once (APP-08)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from hub.core import Core
from hub.exchange.disposal import Disposal
from hub.exchange.store import ExchangeStore
from hub.exchange.tables import exchange
from hub.ledger import tables
from hub.store.base import now
from tests.exchange.test_leases import JOB, core

__all__ = ["core"]
pytestmark = [pytest.mark.fast, pytest.mark.anyio]


@pytest.fixture
def ended(core: Core) -> Core:
    """A hub whose one job has a file that is due."""
    with core.engine.begin() as connection:
        connection.execute(update(exchange).values(state="SUCCEEDED", expires_at=now() - timedelta(days=1)))
    return core


def folder(directory: Path, name: str) -> Path:
    made = directory / name
    (made / JOB).mkdir(parents=True)
    (made / JOB / "data.csv").write_text("a\r\n")
    (made / JOB / ".data.csv.1.part").write_text("a\r\n")
    return made


def entered(core: Core) -> int:
    with core.engine.connect() as connection:
        return len(connection.execute(select(tables.entry.c.seq).where(tables.entry.c.operation == "disposeExchange")).all())


def state(core: Core) -> str:
    found = ExchangeStore(core.engine, "any").job(JOB)
    assert found is not None
    return found.state


async def test_servers_that_share_the_folder_dispose_once(ended: Core, tmp_path: Path) -> None:
    shared = folder(tmp_path, "shared")
    await ended.ledger.start()
    for node in ("first", "second"):
        await Disposal(ExchangeStore(ended.engine, node), ended.ledger, shared, alone=False).sweep()
    await ended.ledger.close()
    assert list(shared.iterdir()) == []
    assert (state(ended), entered(ended)) == ("EXPIRED", 1)


async def test_a_file_that_lies_elsewhere_is_left_to_its_server(ended: Core, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    there = folder(tmp_path, "there")
    await ended.ledger.start()
    await Disposal(ExchangeStore(ended.engine, "first"), ended.ledger, tmp_path / "here", alone=False).sweep()
    assert (state(ended), entered(ended)) == ("SUCCEEDED", 0)
    await Disposal(ExchangeStore(ended.engine, "second"), ended.ledger, there, alone=False).sweep()
    await ended.ledger.close()
    assert (state(ended), entered(ended)) == ("EXPIRED", 1)


@pytest.mark.parametrize("how", ["FAILED", "CANCELLED"])
async def test_what_a_job_without_success_left_is_disposed_of(core: Core, tmp_path: Path, how: str) -> None:
    """A file was in place before its entry could be written, or its server died while it wrote."""
    left = folder(tmp_path, "left")
    (left / "of somebody else").mkdir()
    await core.ledger.start()
    disposal = Disposal(ExchangeStore(core.engine, "any"), core.ledger, left, alone=False)
    await disposal.sweep()
    assert (len(list((left / JOB).iterdir())), entered(core)) == (2, 0)
    with core.engine.begin() as connection:
        connection.execute(update(exchange).values(state=how))
    for _ in range(2):
        await disposal.sweep()
    await core.ledger.close()
    assert [each.name for each in left.iterdir()] == ["of somebody else"]
    assert (state(core), entered(core)) == (how, 1)
