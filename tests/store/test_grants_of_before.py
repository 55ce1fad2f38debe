"""Grants and requests of before the sharing workflow: each grant stands for a request of its own afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from hub.store.engine import open_engine
from hub.store.migrate import migrate
from tests.servers.postgres import Postgres
from tests.store.databases import make_database
from tests.store.test_migrate import MIGRATIONS, url_in

MOMENT = "2026-01-05T01:00:00.000000+00:00"


def put(connection: Connection, table: str, **values: Any) -> None:
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def moved(url: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        put(connection, "department", code="d", name="部门", name_en="", uscc="x", tier="city", created_at=MOMENT)
        put(connection, "application", client_id="app_1", name="a", department="d", secret_hash="", purposes="[]", active=True, created_at=MOMENT)
        held = {"application": "app_1", "resource": "p.r", "terms": '{"operations": ["QUERY"]}', "created_at": MOMENT}
        for state in ("ACTIVE", "REVOKED"):
            put(connection, "grant_", id=f"grant_{state}", state=state, valid_from=MOMENT, approver="王", agreement_hash="b" * 64, created_by="x", **held)
        for state in ("SUBMITTED", "APPROVED", "REFUSED"):
            put(connection, "access_request", id=f"request_{state}", state=state, due_on="2026-01-19", rule="r", **held)
        migrate(connection)
        grants = connection.execute(
            text(
                'SELECT g.id, r.id AS request, r.state, r.origin, r.decided_by, r.terms FROM grant_ g JOIN access_request r ON r.id = g.request AND r."grant" = g.id ORDER BY g.id'
            )
        ).all()
        others = connection.execute(text('SELECT state, origin FROM access_request WHERE "grant" IS NULL ORDER BY id')).all()
    engine.dispose()
    assert [(row.id, row.request, row.state, row.origin, row.decided_by) for row in grants] == [
        (f"grant_{state}", f"request_{state}", "GRANTED", "RECORDED", "王") for state in ("ACTIVE", "REVOKED")
    ]
    assert json.loads(grants[0].terms) == {"grant": {"operations": ["QUERY"]}, "disposal_days": 20}
    assert [tuple(row) for row in others] == [("GRANTED", "RECORDED"), ("REFUSED", "REQUESTED"), ("FILED", "REQUESTED")]


@pytest.mark.fast
def test_grants_of_before(tmp_path: Path) -> None:
    moved(url_in(tmp_path))


@pytest.mark.slow
def test_grants_of_before_on_postgresql(postgres: Postgres) -> None:
    moved(make_database(postgres, "before"))
