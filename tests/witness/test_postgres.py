"""Cosignatures in PostgreSQL, asked for by two nodes at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hub.witness import tables
from hub.witness.cosignatures import cosigned_note
from tests.servers.postgres import Postgres
from tests.store.databases import make_database
from tests.witness.build import address, asking, extend, line_to, new_witness, open_ledger, policy
from tests.witness.spec import cosigned_at

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


async def test_two_nodes_have_one_log_cosigned(postgres: Postgres, tmp_path: Path) -> None:
    (tmp_path / "control.url").write_text(make_database(postgres, "witnessed"))
    one, two = open_ledger(tmp_path), open_ledger(tmp_path)
    with new_witness(tmp_path / "w", str(one.verifier_key)) as witness:
        rules, line = policy(address(witness)), line_to(one=witness)
        async with asking(one, rules, line) as ask, asking(two, rules, line) as ask_too:
            for node in (one, two, one):
                size = extend(node, 2)
                for side in await asyncio.gather(ask(), ask_too()):
                    assert (side.faults, side.reasons()) == ({}, [])
                with two.engine.connect() as connection:
                    assert cosigned_at(witness.verifier_key, cosigned_note(connection, size) or "") is not None
    with one.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.cosignature)).scalar_one() == 3
        assert connection.execute(select(func.count()).select_from(tables.witness)).scalar_one() == 1
    for each in (one, two):
        each.engine.dispose()
