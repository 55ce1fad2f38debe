"""The table of what aggregates have asked."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from hub.store.base import metadata

asked_aggregate = Table(
    "asked_aggregate",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("question", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
)
"""A question that a department's aggregates asked of a resource (``schema.questions.rows_of``), when it last did (Unix seconds): ``question`` is a keyed hash, ``sealed`` the
question itself and what was shown, encrypted, because filters hold values."""
Index("ix_asked_aggregate_asked_at", asked_aggregate.c.asked_at)
