"""What a database driver gives the source: connections that run finished SQL text, and its faults in the hub's words."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

from connectors.errors import SourceFault
from connectors.selection import Binding
from connectors.spi import ColumnDescription, ObjectDescription, SourceCheck
from connectors.sql.dialect import SqlDialect


class ConnectionLost(Exception):
    """The connection went away before the statement was answered; it was not the statement's fault."""


class NotConnected(ConnectionLost):
    """No connection came about: nothing was asked."""


class Incomparable(Exception):
    """A text could not be compared by its column's collation; it can by code points, see :attr:`connectors.sql.dialect.SqlDialect.exact`."""


class Connection(Protocol):
    """One session with the database. Used by one call at a time."""

    reused: bool
    """It has already served a call, so that the database may have closed it since."""

    async def fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows. When cancelled, the statement is stopped in the database.

        Raises:
            ConnectionLost: see there. All else that the driver raises is translated by :meth:`Driver.fault`.
        """
        ...

    def usable(self) -> bool:
        """It may serve another call."""
        ...

    async def close(self) -> None:
        """Ends the session, with whatever still runs in it."""
        ...


class Session(Connection, Protocol):
    """A connection for one stream: its statements may take hours, and a reader that is slow does not end them. Closing it stops what runs."""

    def batches(self, text: str, arguments: Sequence[Any], rows: int) -> AsyncGenerator[Sequence[Sequence[Any]], None]:
        """All rows, so many at a time, by a cursor of the database; none of the rest is held. Raises what :meth:`fetch` raises."""
        ...


class Driver(Protocol):
    """Connects to one configured database."""

    @property
    def dialect(self) -> SqlDialect:
        """How its statements are written."""
        ...

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What :meth:`fault` translates."""
        ...

    async def connect(self) -> Connection:
        """A new read-only session."""
        ...

    async def session(self) -> Session:
        """A new read-only session for a stream, without the time limits of the others."""
        ...

    def fault(self, error: Exception, what: str) -> SourceFault:
        """The fault behind a driver's error; ``what`` names the object that was read."""
        ...

    async def describe(self, connection: Connection, binding: Binding) -> Sequence[ColumnDescription]:
        """The object's columns; none where it does not exist."""
        ...

    async def objects(self, connection: Connection) -> Sequence[ObjectDescription]:
        """Tables and views without the database's own, in an order that stays the same."""
        ...

    async def check(self, connection: Connection) -> SourceCheck:
        """Whether the database is fit to be read."""
        ...


LONGEST_SECONDS = 12 * 3600
"""After which a database ends a stream in any case. Shorter, and it would end one whose reader is slow."""

_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')


def object_name(binding: Binding) -> tuple[str | None, str]:
    """Schema, where one is written, and name of the table or view. A part in double quotes holds dots, blanks and, doubled, quotes."""
    text = binding.object
    if '"' not in text:
        schema, _, name = text.rpartition(".")
        return schema or None, name
    *schemas, name = [quoted.replace('""', '"') or bare for quoted, bare in _PART.findall(text)]
    return ".".join(schemas) or None, name


_BARE = re.compile(r"[^\s;\"'`.]+")


def object_text(schema: str | None, name: str) -> str:
    """What :func:`object_name` reads: each part bare where it can be."""
    parts = [part for part in (schema, name) if part]
    return ".".join(part if _BARE.fullmatch(part) else '"{}"'.format(part.replace('"', '""')) for part in parts)
