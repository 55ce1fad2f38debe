"""The versions of the master key as the control database names them, and which of them makes pseudonyms at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from hub.pseudonyms.tables import pseudonym_key


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the master key."""

    number: int
    key_id: str
    digest: str
    starts_at: datetime
    retired_at: datetime | None


def read_versions(connection: Connection) -> tuple[Version, ...]:
    """All versions, newest first."""
    columns = pseudonym_key.c
    statement = select(columns.version, columns.key_id, columns.digest, columns.starts_at, columns.retired_at)
    return tuple(Version(*row) for row in connection.execute(statement.order_by(columns.version.desc())))


def current(versions: Sequence[Version], moment: datetime) -> Version | None:
    """The version that makes pseudonyms at a moment: the newest that has started and is not retired."""
    return next((each for each in versions if each.retired_at is None and each.starts_at <= moment), None)
