"""The same history on PostgreSQL, also where several processes begin at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hub.store.engine import open_engine
from hub.store.migrate import HEAD, StoreFault, upgrade, version
from tests.servers.postgres import Postgres
from tests.store.databases import control_database, make_database
from tests.store.test_migrate import differences

pytestmark = pytest.mark.slow


def compare(url: str) -> None:
    """The migrated database has the declared tables, and the newest revision."""
    engine = open_engine(url)
    with engine.connect() as connection:
        assert differences(connection) == []
        assert version(connection) == HEAD
    engine.dispose()


def test_migrations_give_the_declared_tables(postgres: Postgres) -> None:
    url = make_database(postgres, "migrated")
    upgrade(url)
    compare(url)


def test_processes_that_start_together_migrate_once(postgres: Postgres) -> None:
    url = make_database(postgres, "together")
    command = [sys.executable, "-c", "import sys; from hub.store.migrate import upgrade; upgrade(sys.argv[1])", url]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(process.communicate()[1], process.returncode) for process in running] == [("", 0)] * 4
    compare(url)


def test_a_server_that_would_lose_acknowledged_entries_or_letters_is_refused(postgres: Postgres) -> None:
    careless = make_database(postgres, "careless", "ALTER DATABASE careless SET synchronous_commit = off")
    with pytest.raises(StoreFault, match=r"synchronous_commit.*on"):
        upgrade(careless)
    with pytest.raises(StoreFault, match="SQL_ASCII"):
        upgrade(make_database(postgres, "ascii", options="ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"))


def test_a_server_that_is_not_there_is_named_without_the_password(postgres: Postgres) -> None:
    with pytest.raises(StoreFault, match=r"postgresql\+psycopg://hub:\*\*\*@127\.0\.0\.1:1/control") as raised:
        upgrade("postgresql+psycopg://hub:topsecret@127.0.0.1:1/control")
    assert "topsecret" not in str(raised.value)
    with pytest.raises(StoreFault, match="nowhere"):
        upgrade(control_database(postgres, "nowhere"))
