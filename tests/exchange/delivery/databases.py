"""The three kinds of databases that tables are filled in, each asked in its own way."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncmy
import psycopg

from hub.exchange.delivery.config import Destination
from tests.exchange.delivery.parcels import destination
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

_numbers = count()
_asyncmy: Any = asyncmy


@dataclass
class Database:
    """One database; ``quote`` is what its names stand in."""

    kind: str
    url: str
    quote: str
    root: Path
    where: dict[str, Any] = field(default_factory=dict)

    def named(self, name: str) -> str:
        """The name in quotes."""
        return f"{self.quote}{name.replace(self.quote, self.quote * 2)}{self.quote}"

    def table(self, name: str, **options: Any) -> Destination:
        """The destination that fills a table."""
        return destination(self.root, kind="table", url=self.url, options={"table": name, **options})

    def ask(self, *statements: str) -> Sequence[Sequence[Any]]:
        """Runs statements of somebody else; the rows of the last one."""
        with self.session() as run:
            for statement in statements[:-1]:
                run(statement)
            return run(statements[-1])

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A session of somebody else."""
        if self.kind == "mariadb":
            with asyncio.Runner() as runner:
                connection = runner.run(_asyncmy.connect(**self.where, autocommit=True))
                yield lambda statement: runner.run(_fetched(connection, statement))
                runner.run(connection.ensure_closed())
        elif self.kind == "postgres":
            with psycopg.connect(self.url, autocommit=True) as session:
                yield lambda statement: _rows(session.execute(statement))
        else:
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=10, isolation_level=None)) as lite:
                yield lambda statement: lite.execute(statement).fetchall()

    def tables(self) -> set[str]:
        """All tables there are."""
        match self.kind:
            case "postgres":
                return {
                    name
                    for (name,) in self.ask(
                        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' AND n.nspname = 'public'"
                    )
                }
            case "mariadb":
                return {name for (name,) in self.ask("SHOW TABLES")}
        return {name for (name,) in self.ask("SELECT name FROM sqlite_master WHERE type = 'table'")} - {"huitong_exchange"}


def _rows(cursor: psycopg.Cursor[Any]) -> Sequence[Sequence[Any]]:
    return cursor.fetchall() if cursor.description else ()


async def _fetched(connection: Any, statement: str) -> Sequence[Sequence[Any]]:
    async with connection.cursor() as cursor:
        await cursor.execute(statement)
        return tuple(await cursor.fetchall()) if cursor.description else ()


def postgres_database(server: Postgres, root: Path) -> Database:
    """An empty database."""
    name = f"tables_{next(_numbers)}"
    with psycopg.connect(server.url(scheme="postgresql"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return Database("postgres", server.url(name, "postgresql"), '"', root)


def mariadb_database(server: Mariadb, root: Path) -> Database:
    """An empty database."""
    name = f"tables_{next(_numbers)}"
    where = {"host": server.host, "port": server.port, "user": server.user}
    made = Database("mariadb", server.url(name), "`", root, where)
    made.ask(f"CREATE DATABASE {name}")
    made.where = {**where, "database": name}
    return made


def sqlite_database(root: Path) -> Database:
    """An empty file, with a journal that lets readers go on."""
    made = Database("sqlite", f"sqlite:///{root}/tables.db", '"', root)
    made.ask("PRAGMA journal_mode = WAL")
    return made
