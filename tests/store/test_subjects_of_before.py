"""The index of subjects of before buckets: every row is found afterwards, and those of archived entries, which stand nowhere else, with them."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, select, text

from hub.store.engine import open_engine
from hub.store.migrate import migrate
from hub.tracing.buckets import LONG, naming
from hub.tracing.index import position
from hub.tracing.tables import subject_bucket
from tests.servers.postgres import Postgres
from tests.store.databases import make_database
from tests.store.test_migrate import MIGRATIONS, url_in
from tests.tracing.stored import stored

RECORDS = 2730


def moved(url: str) -> None:
    draw, often = Random(1), b"\5" * 16
    rows = {(draw.randbytes(16), draw.randrange(2**40)) for _ in range(2000)} | {(often, seq) for seq in range(3 * RECORDS + 5)}
    rows |= {(bytes(16), 0), (b"\xff" * 16, 2**62), (b"\xff" * 16, 0)}
    engine = open_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
        old = text("INSERT INTO ledger_subject (subject, seq) VALUES (:subject, :seq)")
        connection.execute(old, [{"subject": subject, "seq": seq} for subject, seq in [*rows, (b"short", 1)]])
        connection.execute(text("INSERT INTO ledger_indexed (id, size) VALUES (1, 4711)"))
        migrate(connection)
        assert stored(connection) == sorted(rows)
        assert naming(connection, [often], None) == set(range(3 * RECORDS + 5))
        assert naming(connection, [often], RECORDS) == set(range(RECORDS))
        assert naming(connection, [b"\xff" * 16, bytes(16)], None) == {0, 2**62}
        assert position(connection) == 4711
        sizes = connection.execute(select(subject_bucket.c.level, subject_bucket.c.records)).all()
        assert {row.level for row in sizes} == {LONG}
        assert max(len(row.records) for row in sizes) == RECORDS * 24
        assert not inspect(connection).has_table("ledger_subject")
    engine.dispose()


@pytest.mark.slow
def test_subjects_of_before(tmp_path: Path) -> None:
    moved(url_in(tmp_path))


@pytest.mark.slow
def test_subjects_of_before_on_postgresql(postgres: Postgres) -> None:
    moved(make_database(postgres, "subjects_before"))
