"""What is kept beside the log: witnesses, keys, archives, subjects, withdrawals, usage, feedback and alerts."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds the tables."""
    _witness()


def _witness() -> None:
    op.create_table(
        "ledger_cosignature",
        Column("size", BigInteger, primary_key=True, autoincrement=False),
        Column("witness", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("line", "at")),
    )
    op.create_index("ix_ledger_cosignature_witness_size", "ledger_cosignature", ["witness", "size"])
    op.create_table("ledger_witness", Column("witness", Text, primary_key=True), Column("since", Text, nullable=False))
