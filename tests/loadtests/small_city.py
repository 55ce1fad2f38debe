"""A city small enough for tests, in a database of its own."""

from __future__ import annotations

import psycopg

from loadtests.city import City, fill
from tests.servers.postgres import Postgres

SMALL = City(2500, 500)


def filled(server: Postgres, name: str) -> str:
    """The URL of a new database with the city in it, as libpq takes it."""
    with psycopg.connect(server.url(scheme="postgresql"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = server.url(name, "postgresql")
    fill(url, SMALL.persons, SMALL.companies, SMALL.seed)
    return url
