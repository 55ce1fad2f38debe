"""Files whose time is over are deleted where they lie, and entered once (APP-08)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from hub.core import Core
from hub.exchange.disposal import Disposal
from hub.exchange.store import ExchangeStore
from hub.exchange.tables import exchange, exchange_chunk, exchange_file
from hub.ledger import tables
from hub.ledger.parsing import parse
from hub.store.base import now
from tests.catalog.homes import rows
from tests.exchange.test_leases import JOB, core

__all__ = ["core"]
pytestmark = [pytest.mark.slow, pytest.mark.anyio]


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


def details(core: Core) -> dict[str, Any]:
    with core.engine.connect() as connection:
        found = connection.execute(select(tables.entry.c.canonical).where(tables.entry.c.operation == "disposeExchange")).scalar_one()
    return dict(parse(found).content.details or {})


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


async def test_the_entry_says_what_was_deleted(ended: Core, tmp_path: Path) -> None:
    """Several files of one exchange, and where its chunks began."""
    made = folder(tmp_path, "several")
    digests = ["1" * 64, "2" * 64]
    with ended.engine.begin() as connection:
        for n, digest in enumerate(digests, 1):
            (made / JOB / f"data-0000{n}.csv").write_text("x")
            connection.execute(insert(exchange_file).values(exchange=JOB, name=f"data-0000{n}.csv", rows=n, bytes=10 * n, sha256=digest))
            more = {"state": "DONE", "attempt": 1, "source": "s", "name": f"data-0000{n}.csv", "part": b"sealed"}
            connection.execute(insert(exchange_chunk).values(exchange=JOB, number=n, **more))
    await ended.ledger.start()
    await Disposal(ExchangeStore(ended.engine, "any"), ended.ledger, made, alone=True).sweep()
    await ended.ledger.close()
    found = details(ended)
    assert {key: found[key] for key in ("target", "files", "rows", "bytes")} == {"target": JOB, "files": 2, "rows": 3, "bytes": 30}
    assert [each["sha256"] for each in found["deleted"]] == digests
    assert (rows(ended, exchange_chunk), list(made.iterdir())) == (0, [])


async def test_one_that_was_stopped_before_its_entry_is_entered_once(ended: Core, tmp_path: Path) -> None:
    (tmp_path / "half" / JOB).mkdir(parents=True)
    await ended.ledger.start()
    for _ in range(2):
        await Disposal(ExchangeStore(ended.engine, "any"), ended.ledger, tmp_path / "half", alone=False).sweep()
    await ended.ledger.close()
    assert (state(ended), entered(ended), list((tmp_path / "half").iterdir())) == ("EXPIRED", 1, [])


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
