"""The table of withdrawals."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, text

from hub.store.base import UtcText, metadata

withdrawal = Table(
    "withdrawal",
    metadata,
    Column("id", Text, primary_key=True),
    Column("resource", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('WITHDRAWN','RESTORED')", name="state"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("document", Text),
    Column("catalog", Integer, nullable=False),
    Column("withdrawn_by", Text, nullable=False),
    Column("withdrawn_at", UtcText, nullable=False),
    Column("restored_by", Text, CheckConstraint("restored_by IS NULL OR restored_by <> withdrawn_by", name="four_eyes")),
    Column("restored_at", UtcText),
    Column("assessment", Text, CheckConstraint("state <> 'RESTORED' OR (restored_by IS NOT NULL AND assessment IS NOT NULL)", name="assessed")),
)
"""撤回. ``document``: number of the paper that orders it; ``catalog``: number of the snapshot in force when it was withdrawn;
``assessment``: what was found before the resource was given back. ``withdrawn_by`` and ``restored_by`` are names of actors."""
Index(
    "ix_withdrawal_in_force",
    withdrawal.c.resource,
    unique=True,
    sqlite_where=text("state = 'WITHDRAWN'"),
    postgresql_where=text("state = 'WITHDRAWN'"),
)
