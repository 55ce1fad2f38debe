"""Table of the working days that an administrator has entered."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Table, Text

from hub.store.base import UtcText, metadata

calendar_day = Table(
    "calendar_day",
    metadata,
    Column("day", Text, primary_key=True),
    Column("working", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", UtcText, nullable=False),
)
"""工作日历. ``day`` is an ISO 8601 date; ``source`` the notice that says so, e.g. 国务院办公厅关于2027年部分节假日安排的通知."""
