"""Exchanges in chunks: what is done of each, where finished ones are delivered to, and what is brought to be verified."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Adds the columns and tables."""
    kind = CheckConstraint("kind IN ('LIST', 'VERIFICATION')", name="kind")
    op.add_column("exchange", Column("kind", Text, kind, nullable=False, server_default="LIST"))
    op.add_column("exchange", Column("encoding", Text, nullable=False, server_default="UTF-8"))
    for name in ("destination", "upload"):
        op.add_column("exchange", Column(name, Text))
    op.add_column("exchange_file", Column("sm3", Text))
    _chunks()
    _deliveries()
    _uploads()


def _chunks() -> None:
    op.create_table(
        "exchange_chunk",
        Column("exchange", Text, ForeignKey("exchange.id"), primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("state", Text, CheckConstraint("state IN ('PENDING', 'RUNNING', 'DONE')", name="state"), nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("source", Text, nullable=False),
        *(Column(name, LargeBinary) for name in ("part", "last")),
        Column("name", Text, nullable=False),
        *(Column(name, BigInteger) for name in ("rows", "bytes", "undelivered")),
        *(Column(name, Text) for name in ("sha256", "sm3", "accessed", "remote", "reason", "began_at", "done_at")),
    )
    op.create_index("ix_exchange_chunk_source_state", "exchange_chunk", ["source", "state"])


def _deliveries() -> None:
    op.create_table(
        "exchange_delivery",
        Column("exchange", Text, ForeignKey("exchange.id"), primary_key=True),
        Column("destination", Text, nullable=False),
        Column("state", Text, CheckConstraint("state IN ('WAITING', 'RUNNING', 'DELIVERED', 'FAILED')", name="state"), nullable=False),
        Column("attempts", Integer, nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in ("rows", "bytes")),
        Column("entry", BigInteger),
        *(Column(name, Text) for name in ("reason", "place", "node", "held_until", "next_at", "began_at", "done_at")),
    )
    op.create_index("ix_exchange_delivery_state", "exchange_delivery", ["state"])


def _uploads() -> None:
    op.create_table(
        "exchange_upload",
        Column("id", Text, primary_key=True),
        Column("application", Text, ForeignKey("application.client_id"), nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in ("bytes", "rows")),
        *(Column(name, Text, nullable=False) for name in ("format", "sha256", "columns", "created_at", "expires_at")),
        Column("disposed_at", Text),
    )
    op.create_index("ix_exchange_upload_application_created_at", "exchange_upload", ["application", "created_at"])
