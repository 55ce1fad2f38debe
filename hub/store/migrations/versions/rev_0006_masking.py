"""What is counted so that nobody can guess by verification, and what masking keeps."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the tables."""
    _verification()


def _verification() -> None:
    op.create_table(
        "verified_claim",
        *(Column(name, Text, primary_key=True) for name in ("consumer", "resource", "subject", "item", "claim")),
        Column("day", Text, nullable=False),
    )
    op.create_table("verified_subject", *(Column(name, Text, primary_key=True) for name in ("consumer", "resource", "day", "subject")))
    op.create_table(
        "verification_tally",
        *(Column(name, Text, primary_key=True) for name in ("consumer", "resource", "day")),
        *(Column(name, BigInteger, nullable=False) for name in ("subjects", "unmatched", "misses")),
    )
    for table in ("verified_claim", "verified_subject", "verification_tally"):
        op.create_index(f"ix_{table}_day", table, ["day"])
