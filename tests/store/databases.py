"""Control databases on the tests' own PostgreSQL."""

from __future__ import annotations

import psycopg
from psycopg import sql

from tests.servers.postgres import Postgres

_SCHEME = "postgresql+psycopg"


def control_database(postgres: Postgres, name: str) -> str:
    """The URL by which the hub knows the database of this name."""
    return postgres.url(name, _SCHEME)


def make_database(postgres: Postgres, name: str, then: str = "", options: str = "") -> str:
    """The URL of a new, empty database; ``then`` is a statement that follows its making."""
    with psycopg.connect(postgres.url(scheme="postgresql"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} " + options).format(sql.Identifier(name)))
        if then:
            connection.execute(then)
    return control_database(postgres, name)
