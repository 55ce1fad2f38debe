"""The metadata on which every feature folder declares its tables, and the column types they share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Dialect, MetaData, Text, TypeDecorator

from hub.clock import now as now

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcText(TypeDecorator[datetime]):
    """A moment, stored as ISO 8601 text in UTC with microseconds: the same bytes, and the same order, in every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """The stored text of an aware datetime."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The aware datetime behind the stored text."""
        return None if value is None else datetime.fromisoformat(value)


CHINA = timezone(timedelta(hours=8))
"""The time by which people work; it has no summer time."""
