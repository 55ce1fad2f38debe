"""How long SQLite's connections wait for somebody else's lock: what asks the driver outside of a transaction waits as it was told too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from hub.acts import bump, revisions
from hub.catalog.tables import revision
from hub.store.engine import PATIENCE_MS, open_engine
from hub.store.turns import writing

pytestmark = pytest.mark.fast


def told(connection: Connection) -> int:
    """What SQLite was told, in milliseconds."""
    driver: Any = connection.connection.dbapi_connection
    return int(driver.execute("PRAGMA busy_timeout").fetchone()[0])


def test_the_counters_are_asked_with_the_patience_of_the_asker(tmp_path: Path) -> None:
    """Whatever the one who had the pooled connection before was told."""
    engine = open_engine(f"sqlite:///{tmp_path / 'control.db'}")
    revision.metadata.create_all(engine, tables=[revision])
    with writing(engine) as connection:
        bump(connection, "rights")
        bump(connection, "rights")
        assert told(connection) == PATIENCE_MS
    for patience, milliseconds in ((123, 123), (0, 2**31 - 1), (77, 77)):
        with engine.execution_options(patience=patience).connect() as connection:
            assert revisions(connection) == {"rights": 2}
            assert told(connection) == milliseconds
    with engine.connect() as connection:
        revisions(connection)
        assert told(connection) == PATIENCE_MS
    engine.dispose()
