"""The control database's history gives exactly the tables that the code declares, once, whoever runs it and however often."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, event, inspect, text

import hub.anomalies.tables
import hub.catalog.tables
import hub.exchange.tables
import hub.feedback.tables
import hub.ledger.tables
import hub.people.tables
import hub.pseudonyms.tables
import hub.sharing.calendar_tables
import hub.sharing.cohort_tables
import hub.sharing.tables
import hub.tracing.tables
import hub.usage.tables
import hub.verification.tables
import hub.withdrawal.tables
import hub.witness.tables  # noqa: F401 - declares tables
from hub.store.base import metadata
from hub.store.engine import open_engine
from hub.store.migrate import HEAD, StoreFault, migrate, upgrade, version

MIGRATIONS = Path(str(sys.modules["hub.store.migrate"].__file__)).with_name("migrations")


def differences(connection: Connection) -> Sequence[Any]:
    """What the declared tables have and the migrated database has not, or the other way round; checks by name as well."""
    found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
    there = set(inspect(connection).get_table_names())
    for table in (table for table in metadata.sorted_tables if table.name in there):
        constraints = [*table.constraints, *(constraint for column in table.columns for constraint in column.constraints)]
        declared = {str(check.name) for check in constraints if isinstance(check, CheckConstraint)}
        stored = {check["name"] for check in inspect(connection).get_check_constraints(table.name)}
        found += [(table.name, name) for name in declared ^ stored]
    return found


def url_in(directory: Path) -> str:
    return f"sqlite:///{directory / 'control.db'}"


@pytest.mark.fast
def test_migrations_give_the_declared_tables(tmp_path: Path) -> None:
    upgrade(url_in(tmp_path))
    engine = open_engine(url_in(tmp_path))
    with engine.connect() as connection:
        assert differences(connection) == []
        assert version(connection) == HEAD
    engine.dispose()


@pytest.mark.fast
def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


@pytest.mark.slow
def test_an_up_to_date_database_is_only_looked_at(tmp_path: Path) -> None:
    upgrade(url_in(tmp_path))
    code = "import sys; from hub.store.migrate import upgrade; upgrade(sys.argv[1]); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, url_in(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.fast
def test_a_migration_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    engine = open_engine(url_in(tmp_path))

    def break_off(connection: object, cursor: object, statement: str, *_: object) -> None:
        if "CREATE TABLE ledger_node" in statement:
            raise OSError("power cut")

    event.listen(engine, "before_cursor_execute", break_off)
    with pytest.raises(OSError, match="power cut"), engine.begin() as connection:
        migrate(connection)
    event.remove(engine, "before_cursor_execute", break_off)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()
    upgrade(url_in(tmp_path))


@pytest.mark.fast
def test_a_database_of_a_newer_hub_is_left_alone(tmp_path: Path) -> None:
    upgrade(url_in(tmp_path))
    engine = open_engine(url_in(tmp_path))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreFault, match=r"9999.*newer hub"):
        upgrade(url_in(tmp_path))
    engine.dispose()


@pytest.mark.fast
def test_a_database_that_cannot_be_opened_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match=r"missing/control\.db"):
        upgrade(f"sqlite:///{tmp_path}/missing/control.db")
    with pytest.raises(StoreFault) as raised:
        upgrade("postgresql+psycopg://hub:topsecret@127.0.0.1:1/control")
    assert "topsecret" not in str(raised.value)


@pytest.mark.slow
def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; from hub.store.migrate import upgrade; upgrade(sys.argv[1])", url_in(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    assert [(process.communicate()[1], process.returncode) for process in running] == [("", 0)] * 6
