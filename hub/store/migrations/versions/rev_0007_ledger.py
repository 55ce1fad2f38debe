"""What is kept beside the log: witnesses, keys, archives, subjects, withdrawals, usage, feedback and alerts."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, LargeBinary, SmallInteger, Text, text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds the tables."""
    _witness()
    _tracing()
    _withdrawals()


def _witness() -> None:
    op.create_table(
        "ledger_cosignature",
        Column("size", BigInteger, primary_key=True, autoincrement=False),
        Column("witness", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("line", "at")),
    )
    op.create_index("ix_ledger_cosignature_witness_size", "ledger_cosignature", ["witness", "size"])
    op.create_table("ledger_witness", Column("witness", Text, primary_key=True), Column("since", Text, nullable=False))


def _tracing() -> None:
    subject = LargeBinary(16)
    op.create_table(
        "ledger_subject",
        Column("subject", subject, primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    for table, column in (
        ("ledger_set_entry", Column("digest", LargeBinary(32), primary_key=True)),
        ("ledger_exchange_entry", Column("exchange", Text, primary_key=True)),
    ):
        op.create_table(table, column, Column("seq", BigInteger, primary_key=True, autoincrement=False))
    op.create_table(
        "ledger_indexed",
        Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
        Column("size", BigInteger, nullable=False),
    )
    op.create_table(
        "ledger_subject_set",
        Column("digest", LargeBinary(32), primary_key=True),
        Column("first", subject, primary_key=True),
        Column("last", subject, nullable=False),
        Column("count", Integer, nullable=False),
        Column("hashes", LargeBinary, nullable=False),
    )


def _withdrawals() -> None:
    op.create_table(
        "withdrawal",
        Column("id", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("resource", "department")),
        Column("state", Text, CheckConstraint("state IN ('WITHDRAWN','RESTORED')", name="state"), nullable=False),
        Column("reason", Text, nullable=False),
        Column("document", Text),
        Column("catalog", Integer, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("withdrawn_by", "withdrawn_at")),
        Column("restored_by", Text, CheckConstraint("restored_by IS NULL OR restored_by <> withdrawn_by", name="four_eyes")),
        Column("restored_at", Text),
        Column("assessment", Text, CheckConstraint("state <> 'RESTORED' OR (restored_by IS NOT NULL AND assessment IS NOT NULL)", name="assessed")),
    )
    holding = text("state = 'WITHDRAWN'")
    op.create_index("ix_withdrawal_in_force", "withdrawal", ["resource"], unique=True, sqlite_where=holding, postgresql_where=holding)
