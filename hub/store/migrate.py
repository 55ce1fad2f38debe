"""Brings a control database to the shape that this version of the hub expects. Safe to call from any number of processes at once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from hub.store.engine import open_engine
from hub.store.postgres import fault_of

HEAD = "0009"
"""The newest revision in ``migrations/versions``; a test keeps the two equal."""
_FOLDER = Path(__file__).with_name("migrations")
_ADVISORY_KEY = 0x68756974
"""What PostgreSQL's advisory lock is taken on: ``huit``."""


class StoreFault(Exception):
    """The control database cannot be used. ``str()`` says why and what to do; it holds no password."""


def upgrade(url: str) -> None:
    """Creates or migrates the control database; where it is up to date already, one look at its version is all.

    Raises:
        StoreFault: it cannot be reached or written, or a newer version of the hub has migrated it.
    """
    parsed = make_url(url)
    try:
        _upgrade(parsed)
    except (SQLAlchemyError, OSError) as fault:
        reason = getattr(fault, "orig", None) or fault
        shown = parsed.render_as_string(hide_password=True)
        remedy = "请检查路径、权限与 HUITONG_DATABASE check them"
        raise StoreFault(f"控制库不可用 the control database {shown} cannot be used: {str(reason).strip()}: {remedy}") from None


def version(connection: Connection) -> str | None:
    """The revision that the database is at; ``None`` where it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def migrate(connection: Connection) -> None:
    """Brings the connection's database to ``HEAD`` within the transaction that the connection is in or begins.

    Raises:
        StoreFault: a newer version of the hub has migrated it.
    """
    found = version(connection)
    if found != HEAD:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_KEY})
        _run(connection, found)


def _run(connection: Connection, found: str | None) -> None:
    # Alembic is needed only here; a command that finds the database up to date does not pay for importing it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise StoreFault(
            f"控制库的版本 {found} 不为本程序所识 the control database is at version {found}, which this hub does not know: 请使用更新的汇通 run a newer hub"
        ) from None


def _upgrade(url: URL) -> None:
    engine = open_engine(url.render_as_string(hide_password=False))
    try:
        with engine.connect() as connection:
            _check(connection)
            current = version(connection)
        if current != HEAD:
            # However long a migration takes, and whoever is at it.
            patient = engine.execution_options(sqlite_begin="IMMEDIATE", patience=0)
            with _file_lock(url), patient.begin() as connection:
                migrate(connection)
    finally:
        engine.dispose()


def _check(connection: Connection) -> None:
    if connection.dialect.name == "postgresql" and (fault := fault_of(connection)):
        raise StoreFault(fault)


@contextmanager
def _file_lock(url: URL) -> Iterator[None]:
    """Serialises processes on one SQLite file; other databases lock themselves."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        yield
        return
    with Path(f"{url.database}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
