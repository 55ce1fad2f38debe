"""The connection of the ledger's writer: kept from commit to commit, for taking one out of the pool costs more than an entry does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from hub.ledger.storing_sqlite import prepare
from hub.store.plain import driver
from hub.store.turns import turn

_SURE_SECONDS = 1.0
"""A connection used within this time is not asked whether it still stands."""


class Held:
    """Belongs to one thread. After any fault, and where the server has gone meanwhile, the next transaction has a new connection to PostgreSQL.

    SQLite's stays: opened anew after a fault of the disk, it would take the log file as the kernel's cache has it (``hub.store.engine.settle``).
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._served = engine.dialect.name != "sqlite"
        self._connection: Connection | None = None
        self._patience: int | None = None
        self._used = 0.0

    @contextmanager
    def writing(self, patience: int) -> Iterator[Connection]:
        """A transaction that is to write, committed at the end; ``patience`` in milliseconds as in ``hub.store.engine``."""
        connection = self._standing(patience)
        try:
            with turn(self._engine, patience), connection.begin():
                if not self._served:
                    driver(connection).execute("BEGIN IMMEDIATE")
                yield connection
        except BaseException:
            if self._served:
                self.close()
            raise
        self._used = time.monotonic()

    def is_told(self, patience: int) -> bool:
        """Whether ``driving`` can be had: by a session that was told this patience and still stands."""
        self._look()
        return self._connection is not None and patience == self._patience

    @contextmanager
    def driving(self) -> Iterator[Any]:
        """The driver's connection, on which each statement is a transaction of its own: BEGIN and COMMIT are no statements."""
        if self._connection is None or self._patience is None:
            raise LookupError("no connection is held")
        connection = driver(self._connection)
        if not self._served:
            with turn(self._engine, self._patience):
                yield connection
            return
        try:
            connection.autocommit = True
            yield connection
            connection.autocommit = False
        except BaseException:
            self.close()
            raise
        self._used = time.monotonic()

    def close(self) -> None:
        """Gives SQLite's connection back to the pool; PostgreSQL's, which was told its patience for good, ends."""
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._served:
                connection.invalidate()
            connection.close()

    def _standing(self, patience: int) -> Connection:
        self._look()
        if self._connection is None:
            self._connection, self._patience = self._engine.connect(), None
        if not self._served:
            prepare(self._connection)
        if patience != self._patience:
            self._connection.execution_options(patience=patience, sqlite_begin="HELD", session=True)
            if not self._served:
                driver(self._connection).execute(f"PRAGMA busy_timeout={patience:d}")
            self._patience = patience
        return self._connection

    def _look(self) -> None:
        """Lets go of a connection that does not stand any more."""
        if not self._served or self._connection is None or time.monotonic() - self._used <= _SURE_SECONDS:
            return
        if self._answers(self._connection):
            self._used = time.monotonic()
        else:
            self.close()

    @staticmethod
    def _answers(connection: Connection) -> bool:
        driver = connection.connection.dbapi_connection
        try:
            return driver is not None and connection.dialect.do_ping(driver)
        except connection.dialect.loaded_dbapi.Error:
            return False
