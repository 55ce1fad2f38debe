"""Uploads in the control database. Whoever uploaded one, and nobody else, can use it, once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, Row, and_, exists, func, insert, or_, select, update

from hub.exchange.store import ENDED, UNFINISHED
from hub.exchange.tables import exchange, exchange_upload
from hub.store.base import now

MOST_UPLOADS = 10
"""Uploads of one application that are not disposed of."""
KEPT = timedelta(days=1)


class TooMany(Exception):
    """The application has as many uploads as it may have."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded table: how many rows, and which columns."""

    id: str
    application: str
    format: str
    bytes: int
    rows: int
    sha256: str
    """Of the file as it was sent."""
    columns: tuple[str, ...]
    created_at: datetime
    expires_at: datetime


class UploadStore:
    """Reads and writes uploads; synchronous, for worker threads. ``folder`` holds the tables, each under its upload's id."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self.folder = folder

    def path(self, upload: str) -> Path:
        """Where the rows lie."""
        return self.folder / upload

    def check_room(self, application: str) -> None:
        """That the application may bring another.

        Raises:
            TooMany: it may not.
        """
        with self._engine.connect() as connection:
            _check_room(connection, application)

    @staticmethod
    def add(connection: Connection, upload: Upload) -> None:
        """Work for the transaction of the upload's ledger entry.

        Raises:
            TooMany: others were faster.
        """
        _check_room(connection, upload.application)
        values = {name: getattr(upload, name) for name in ("id", "application", "format", "bytes", "rows", "sha256", "created_at", "expires_at")}
        connection.execute(insert(exchange_upload).values(**values, columns=json.dumps(upload.columns, ensure_ascii=False)))

    def of(self, upload: str, application: str) -> Upload | None:
        """The application's upload, if it is still there."""
        mine = and_(exchange_upload.c.id == upload, exchange_upload.c.application == application, exchange_upload.c.disposed_at.is_(None))
        with self._engine.connect() as connection:
            row = connection.execute(select(exchange_upload).where(mine)).first()
        return _upload(row) if row is not None else None

    def taken(self, upload: str) -> bool:
        """Whether an exchange has used it, or is about to."""
        with self._engine.connect() as connection:
            return connection.execute(select(exchange.c.id).where(exchange.c.upload == upload).limit(1)).first() is not None

    def due(self, application: str | None = None) -> list[Upload]:
        """Those that were used, or whose time is over, and that no exchange waits for: the application's, or all."""
        used = exists().where(exchange.c.upload == exchange_upload.c.id, exchange.c.state.in_(ENDED))
        waits = exists().where(exchange.c.upload == exchange_upload.c.id, exchange.c.state.in_(UNFINISHED))
        over = and_(or_(used, exchange_upload.c.expires_at <= now()), ~waits)
        if application is not None:
            over = and_(over, exchange_upload.c.application == application)
        with self._engine.connect() as connection:
            rows = connection.execute(select(exchange_upload).where(exchange_upload.c.disposed_at.is_(None), over)).all()
        return [_upload(row) for row in rows]

    @staticmethod
    def dispose(connection: Connection, upload: str) -> bool:
        """Work for the transaction of the disposal's entry; whether this server was first."""
        mine = and_(exchange_upload.c.id == upload, exchange_upload.c.disposed_at.is_(None))
        return connection.execute(update(exchange_upload).where(mine).values(disposed_at=now())).rowcount == 1

    def known(self, uploads: Sequence[str]) -> set[str]:
        """Those of the names that are uploads not disposed of."""
        mine = and_(exchange_upload.c.id.in_(list(uploads)), exchange_upload.c.disposed_at.is_(None))
        with self._engine.connect() as connection:
            return set(connection.execute(select(exchange_upload.c.id).where(mine)).scalars())


def _check_room(connection: Connection, application: str) -> None:
    mine = and_(exchange_upload.c.application == application, exchange_upload.c.disposed_at.is_(None))
    if connection.execute(select(func.count()).select_from(exchange_upload).where(mine)).scalar_one() >= MOST_UPLOADS:
        raise TooMany


def _upload(row: Row[tuple[object, ...]]) -> Upload:
    names = ("id", "application", "format", "bytes", "rows", "sha256", "created_at", "expires_at")
    return Upload(**{name: getattr(row, name) for name in names}, columns=tuple(json.loads(row.columns)))
