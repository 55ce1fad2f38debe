"""What became of an exchange: its files, who downloaded them when, and whether they are disposed of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from hub.exchange.tables import exchange, exchange_file
from hub.ledger.entry import Entry
from hub.tracing.search import entries_of


@dataclass(frozen=True, slots=True)
class CopyFile:
    """One finished file."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Download:
    """One download, as entered: ``outcome`` is ``FAILED`` where it was broken off."""

    entry: int
    at: datetime
    application: str | None
    operator: str | None
    file: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Copy:
    """An exchange: ``state`` is ``EXPIRED`` where its files were disposed of here; what was downloaded lies with whoever took it."""

    exchange: str
    state: str
    application: str
    finished_at: datetime | None
    expires_at: datetime | None
    disposed_at: datetime | None
    files: tuple[CopyFile, ...]
    downloads: tuple[Download, ...]


def copy_of(connection: Connection, number: str) -> Copy | None:
    """An exchange by its number; ``None`` where there is none."""
    row = connection.execute(select(exchange).where(exchange.c.id == number)).one_or_none()
    if row is None:
        return None
    files = connection.execute(select(exchange_file).where(exchange_file.c.exchange == number).order_by(exchange_file.c.name))
    told = entries_of(connection, number)
    disposed = next((entry.content.at for entry in told if entry.content.operation == "disposeExchange"), None)
    downloads = tuple(_download(entry) for entry in told if entry.content.kind == "download")
    made = tuple(CopyFile(file.name, file.rows, file.bytes, file.sha256) for file in files)
    return Copy(number, row.state, row.application, row.finished_at, row.expires_at, disposed, made, downloads)


def exchange_in(entry: Entry) -> str | None:
    """The number of the exchange of which an entry tells."""
    found = (entry.content.details or {}).get("exchange")
    return found if isinstance(found, str) else None


def _download(entry: Entry) -> Download:
    content = entry.content
    said = content.details or {}
    # A delivery takes all files at once.
    file = said.get("file") or (f"→ {said['destination']}" if "destination" in said else "")
    return Download(entry.seq, content.at, content.application, content.operator, str(file), content.outcome)
