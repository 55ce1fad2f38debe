"""Statements on calls' ways, in words that both databases know: written once, and given to the driver as they are.

SQLAlchemy's own part of a statement costs ten times what SQLite needs for it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_PLACE = re.compile(r"(?<!:):([a-z]\w*)")
_AMONG = re.compile(r"\bAMONG :([a-z]\w*)")


def ask(connection: Connection, text: str, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
    """The rows of a statement with values ``:name``; one that is compared ``AMONG :name`` is given as :func:`among`.

    On SQLite, outside of a transaction, it is one of its own.

    Raises:
        SQLAlchemyError: the database refused.
    """
    words = _words(connection.dialect.name, text)
    if connection.dialect.name != "sqlite":
        found = connection.exec_driver_sql(words, dict(values))
        return [tuple(row) for row in found] if found.returns_rows else ()
    with told(words):
        rows: Sequence[tuple[Any, ...]] = driver(connection).execute(words, values).fetchall()
        return rows


def write(connection: Connection, text: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Does a statement once for each row of values.

    Raises:
        SQLAlchemyError: the database refused.
    """
    words = _words(connection.dialect.name, text)
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(words, [dict(row) for row in rows])
        return
    with told(words):
        driver(connection).executemany(words, rows)


def do(connection: Connection, text: str) -> None:
    """Does a statement without values.

    Raises:
        SQLAlchemyError: the database refused.
    """
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(text)
        return
    with told(text):
        driver(connection).execute(text)


def among(connection: Connection, values: Collection[str]) -> object:
    """Texts as the driver takes them for ``AMONG``."""
    return orjson.dumps([*values]).decode() if connection.dialect.name == "sqlite" else [*values]


def driver(connection: Connection) -> Any:
    """The driver's own connection: a statement whose text and values need no translation costs a third there."""
    return connection.connection.dbapi_connection


@lru_cache(maxsize=256)
def _words(dialect: str, text: str) -> str:
    if dialect == "sqlite":
        return _AMONG.sub(r"IN (SELECT value FROM json_each(:\1))", text)
    return _PLACE.sub(r"%(\1)s", _AMONG.sub(r"= ANY(:\1)", text))


@contextmanager
def told(words: str) -> Iterator[None]:
    """Of SQLite's driver: its faults as SQLAlchemy tells of them, without the values."""
    try:
        yield
    except sqlite3.Error as fault:
        raise DBAPIError.instance(words, None, fault, sqlite3.Error, hide_parameters=True) from fault
