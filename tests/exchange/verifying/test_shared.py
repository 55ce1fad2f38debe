"""Servers that share a control database: one carries a batch on, and whoever lost it changes nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from hub.exchange.stops import Lost
from hub.exchange.tables import exchange
from hub.exchange.verifying.disposal import UploadDisposal
from hub.exchange.verifying.outcomes import OutcomeLog, rows_in, segments
from schema.faults import Code, Fault
from schema.verification import Outcome, Verified
from tests.exchange.verifying.world import NAMES, Batches, batches_in, person, table
from tests.servers.postgres import Postgres
from tests.store.databases import make_database
from tests.verification.world import KNOWN, NAME

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
MATCH = Verified(Outcome.MATCH, None, None)


async def test_a_batch_on_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    rows = [*((person(n)[1], person(n)[2]) for n in range(10, 240)), *((KNOWN, f"某{chr(0x4E00 + n)}") for n in range(12))]
    async with batches_in(tmp_path, database=make_database(postgres, "batches")) as batches:
        app = batches.world.application("loading")
        job = await batches.job(app, await batches.upload(app, table(rows, "id", "name")), NAMES)
        found = await batches.rows(app, job)
        verifying = batches.world.hub._verifying
        await UploadDisposal(verifying.uploads, batches.world.core.ledger, alone=False).sweep()
        assert list(verifying.uploads.folder.iterdir()) == []
    assert [row["outcome"] for row in found] == ["MATCH"] * 230 + ["MISMATCH"] * 10 + ["REFUSED"] * 2
    assert len({row["entry"] for row in found[-2:]}) == 2


async def test_who_lost_a_job_keeps_nothing_and_spoils_nothing(batches: Batches) -> None:
    world = batches.world
    app = world.application("torn")
    job = await batches.job(app, await batches.upload(app, table([(KNOWN, NAME)], "id", "name")), NAMES)
    await batches.rows(app, job)
    engine, folder = world.core.engine, world.core.settings.exchanges / job

    def held_by(node: str) -> None:
        with engine.begin() as connection:
            connection.execute(update(exchange).where(exchange.c.id == job).values(state="RUNNING", node=node))

    held_by("first")
    first, second = (OutcomeLog(folder, engine, job, node) for node in ("first", "second"))
    held_by("second")
    for log in (first, second):
        done = log.write("call", [MATCH, Fault(Code.BAD_INPUT, "", "")])
        with engine.begin() as connection:
            if log is first:
                with pytest.raises(Lost):
                    log.keep(connection, *done)
                continue
            log.keep(connection, *done)
        log.kept(*done)
    # What is written and never kept is behind the good end, and gone with the next writing.
    second.write("lost", [MATCH] * 5)
    done = second.write("more", [MATCH])
    with engine.begin() as connection:
        second.keep(connection, *done)
    first.close()
    second.close()
    parts = [part for part in segments(engine, job) if part.name.endswith("second")]
    assert [(row.call, row.outcome, row.code) for row in rows_in(folder, parts)] == [
        ("call", "MATCH", None),
        ("call", "REFUSED", "BAD_INPUT"),
        ("more", "MATCH", None),
    ]
    with engine.begin() as connection:
        connection.execute(update(exchange).where(exchange.c.id == job).values(state="SUCCEEDED"))
