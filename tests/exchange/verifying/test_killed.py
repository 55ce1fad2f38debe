"""Killed at any point, a batch goes on where it stood: each row is in the file once, is entered once, and is counted once."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from anyio import run_process
from sqlalchemy import func, select

from hub.core import open_core
from hub.settings import Settings
from hub.verification.tables import verification_tally, verified_claim
from tests.exchange.verifying.killed import APP, ROWS
from tests.exchange.verifying.world import Batches
from tests.verification.world import World, running

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


async def test_killed_at_any_point_each_row_is_there_once(tmp_path: Path) -> None:
    done = await run_process([sys.executable, "-m", "tests.exchange.verifying.killed", str(tmp_path)], check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    core = open_core(Settings(home=tmp_path / "home", verification_mismatch_percent=100))
    async with running(World(core, tmp_path)) as world:
        world.core.registry.refresh()
        batches = Batches(world)
        found = (await world.ask(APP, "{ exchanges { nodes { id } } }")).json["data"]["exchanges"]["nodes"]
        rows = await batches.rows(APP, found[0]["id"])
        entries = {entry.seq: entry.content for entry in world.entries()}
    assert [row["row"] for row in rows] == [str(n) for n in range(1, ROWS + 1)]
    assert [row["outcome"] for row in rows] == ["MATCH" if n % 3 else "MISMATCH" for n in range(10, 10 + ROWS)]
    calls = {seq: entry for seq, entry in entries.items() if entry.kind == "call" and entry.operation == "verify"}
    named = Counter(int(row["entry"]) for row in rows)
    assert {seq: len(entry.accesses[0].subjects) for seq, entry in calls.items()} == named
    assert sum(1 for entry in entries.values() if (entry.details or {}).get("step") == "SUCCEEDED") == 1
    with core.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(verified_claim)).scalar_one() == ROWS
        assert connection.execute(select(verification_tally.c.subjects)).scalar_one() == ROWS
    core.close()
