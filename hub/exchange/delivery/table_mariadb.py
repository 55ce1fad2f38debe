"""Tables of MariaDB and MySQL: filled by prepared multi-row inserts, switched by one RENAME TABLE; the marker is the table's comment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from asyncmy import errors
from sqlalchemy import Boolean
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT, TINYINT
from sqlalchemy.dialects.mysql.asyncmy import MySQLDialect_asyncmy
from sqlalchemy.types import DateTime, Text, TypeEngine

from hub.exchange.delivery.faults import foreign
from hub.exchange.delivery.mariadb_session import Session, opened, referred, too_large
from hub.exchange.delivery.table import REHEARSED, Filling, TableTarget, created, marker_of
from hub.exchange.delivery.target import Go

_DIALECT: Any = MySQLDialect_asyncmy(paramstyle="named")
_ROWS, _PLACES, _BYTES = 250, 60_000, 4 << 20
"""Of one statement, at most: rows, parameters (the protocol has 65,535), bytes."""
_COMMIT_ROWS = 20_000


@contextmanager
def mariadb_target(filling: Filling) -> Iterator[TableTarget]:
    """The table, in a session that holds its lock among deliveries."""
    with opened(filling.destination, f"huitong.{filling.key}") as session:
        yield MariadbTarget(session, filling)


class MariadbTarget:
    """One table."""

    def __init__(self, session: Session, filling: Filling) -> None:
        self._session = session
        self._filling = filling
        self.place = filling.place

    def there(self) -> bool:
        """By the comment that came with the table when it was renamed."""
        found = self._look(self._filling.name)
        for name in (self._filling.staging, self._filling.old):
            self._drop(name)
        return found is not None and self._filling.arrived(marker_of(found))

    def deliver(self, go: Go) -> None:
        """Staging table, inserts, count, switch."""
        filling = self._filling
        columns = filling.schema()
        self._drop(filling.staging)
        self._create(columns)
        self._fill(columns, go)
        (rows,) = self._session.one(f"SELECT count(*) FROM {_quoted(filling.staging)}")  # noqa: S608 - quoted by the dialect
        filling.counted(rows)
        go(filling.parcel.rows, filling.parcel.bytes)
        self._comment("whole")
        self._switch()

    def discard(self) -> None:
        """What was filled, and will not be switched."""
        self._session.run("ROLLBACK")
        self._drop(self._filling.staging)

    def rehearse(self) -> None:
        """Each statement once: what creates, alters and drops tables is no part of a transaction."""
        found = self._look(self._filling.name)
        if found is not None and marker_of(found) is None:
            raise foreign(self._filling.name)
        staging, old = _quoted(self._filling.staging), _quoted(self._filling.old)
        for name in (self._filling.staging, self._filling.old):
            self._drop(name)
        self._create(REHEARSED)
        self._session.one(f"SELECT count(*) FROM {staging}")  # noqa: S608 - quoted by the dialect
        self._comment("staging")
        self._session.run(f"RENAME TABLE {staging} TO {old}")
        self._session.run(f"DROP TABLE {old}")

    def _switch(self) -> None:
        """Readers see the old table until the renaming, which is one act, and the new one from then on."""
        filling = self._filling
        name, staging, old = (_quoted(each) for each in (filling.name, filling.staging, filling.old))
        found = self._look(filling.name)
        if found is None:
            self._session.run(f"RENAME TABLE {staging} TO {name}")
            return
        filling.arrived(marker_of(found))
        self._check_foreign_keys()
        self._session.run(f"RENAME TABLE {name} TO {old}, {staging} TO {name}")
        try:
            self._session.run(f"DROP TABLE {old}")
        except errors.IntegrityError:
            # Foreign keys of a database on which the destination's user has no privilege show only now.
            self._session.run(f"RENAME TABLE {name} TO {staging}, {old} TO {name}")
            raise

    def _check_foreign_keys(self) -> None:
        """Foreign keys of other tables would follow the old table's new name, and keep it from being dropped."""
        asked = (
            "SELECT 1 FROM information_schema.referential_constraints WHERE unique_constraint_schema = database() AND referenced_table_name = ? "
            "AND NOT (constraint_schema = database() AND table_name = referenced_table_name)"
        )
        if self._session.one(asked, self._filling.name):
            raise referred()

    def _look(self, name: str) -> str | None:
        """The comment of the table of that name; ``None`` where there is none.

        Raises:
            DeliveryFault: it is a view.
        """
        found = self._session.one("SELECT table_type, table_comment FROM information_schema.tables WHERE table_schema = database() AND table_name = ?", name)
        if not found:
            return None
        if found[0] != "BASE TABLE":
            raise foreign(name)
        return str(found[1])

    def _drop(self, name: str) -> None:
        found = self._look(name)
        if found is not None:
            if marker_of(found) is None:
                raise foreign(name)
            self._session.run(f"DROP TABLE {_quoted(name)}")

    def _create(self, columns: pa.Schema) -> None:
        """Like the table that is there, with its indexes, where the columns are the same; else anew."""
        staging = self._filling.staging
        text = created(staging, None, columns, _DIALECT, _type, self._filling.marker("staging").text())
        self._session.run(text)
        if self._look(self._filling.name) is not None and self._columns(self._filling.name) == self._columns(staging):
            self._session.run(f"DROP TABLE {_quoted(staging)}")
            self._session.run(f"CREATE TABLE {_quoted(staging)} LIKE {_quoted(self._filling.name)}")
            self._comment("staging")

    def _comment(self, state: str) -> None:
        text = self._filling.marker(state).text()
        self._session.run(f"ALTER TABLE {_quoted(self._filling.staging)} COMMENT = '{text}'")

    def _columns(self, name: str) -> list[tuple[Any, ...]]:
        asked = "SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = database() AND table_name = ? ORDER BY ordinal_position"
        return [tuple(row) for row in self._session.rows(asked, name)]

    def _fill(self, columns: pa.Schema, go: Go) -> None:
        head = f"INSERT INTO {_quoted(self._filling.staging)} ({', '.join(_quoted(field.name) for field in columns)}) VALUES "  # noqa: S608 - the same
        places = f"({', '.join('?' * len(columns))})"
        most = max(1, min(_ROWS, _PLACES // len(columns)))
        # What a server takes at once; a statement has more bytes than its values.
        packet = int(self._session.one("SELECT @@max_allowed_packet")[0])
        pending = 0
        for batch in self._filling.batches(go):
            for part in _parts(batch, most, min(_BYTES, packet // 2)):
                if part.nbytes >= packet:
                    raise too_large()
                self._session.write(head + ", ".join([places] * part.num_rows), _values(part))
                pending += part.num_rows
            if pending >= _COMMIT_ROWS:
                self._session.commit()
                pending = 0
        self._session.commit()


def _parts(batch: pa.RecordBatch, most: int, most_bytes: int) -> Iterator[pa.RecordBatch]:
    """Parts of at most so many rows, and of no more bytes than a statement may have but where a single row has."""
    for start in range(0, batch.num_rows, most):
        part = batch.slice(start, most)
        if part.nbytes > most_bytes and part.num_rows > 1:
            yield from _parts(part, part.num_rows // 2, most_bytes)
        else:
            yield part


def _values(part: pa.RecordBatch) -> list[object]:
    """Row by row. Moments go in UTC, without saying so."""
    columns = [(column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column).to_pylist() for column in part.columns]
    return [value for row in zip(*columns, strict=True) for value in row]


def _type(found: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(found, DateTime):
        return DATETIME(fsp=6)
    if isinstance(found, Boolean):
        return TINYINT(1)
    return LONGTEXT() if isinstance(found, Text) else found


def _quoted(name: str) -> str:
    quoted: str = _DIALECT.identifier_preparer.quote_identifier(name)
    return quoted
