"""Tables of exchange jobs and their files."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from hub.sharing.tables import application
from hub.store.base import UtcText, metadata

STATES = ("QUEUED", "RUNNING", "PAUSED", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")

exchange = Table(
    "exchange",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application", Text, ForeignKey(application.c.client_id), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("input_sha256", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("variables", Text, nullable=False),
    Column("operation_name", Text),
    Column("format", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("purpose", Text),
    Column("operator", Text),
    Column("case_", Text),
    Column("state", Text, CheckConstraint(f"state IN {STATES}", name="state"), nullable=False),
    Column("reason", Text),
    Column("rows_done", BigInteger, nullable=False),
    Column("rows_total", BigInteger),
    Column("bytes", BigInteger, nullable=False),
    Column("plan", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("snapshot", Integer, nullable=False),
    Column("entry", BigInteger),
    Column("created_at", UtcText, nullable=False),
    Column("finished_at", UtcText),
    Column("expires_at", UtcText),
    Column("node", Text),
    Column("held_until", UtcText),
    UniqueConstraint("application", "idempotency_key"),
)
"""One job. ``plan`` is the hash of the document and its columns, ``policy`` the fingerprint of the rights, ``snapshot`` the catalog's number.
``node`` is the server process that runs it; others leave it alone until ``held_until``."""
Index("ix_exchange_application_created_at", exchange.c.application, exchange.c.created_at)

exchange_file = Table(
    "exchange_file",
    metadata,
    Column("exchange", Text, ForeignKey(exchange.c.id), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
)
"""The files of a finished job."""
