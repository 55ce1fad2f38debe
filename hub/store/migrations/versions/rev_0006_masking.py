"""What is counted so that nobody can guess by verification, and what masking keeps."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, Text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the tables."""
    _verification()
    _pseudonyms()
    _rules()
    _cohorts()


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


def _pseudonyms() -> None:
    op.create_table(
        "pseudonym_key",
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("key_id", Text, nullable=False, unique=True),
        Column("digest", Text, CheckConstraint("digest IN ('SM3', 'SHA256')", name="digest"), nullable=False),
        Column("starts_at", Text, nullable=False),
        Column("retired_at", Text),
    )


def _rules() -> None:
    op.create_table(
        "mask_rule",
        Column("department", Text, ForeignKey("department.code"), primary_key=True),
        Column("code", Text, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("content", Text, nullable=False),
        Column("manifest", Integer, ForeignKey("catalog_manifest.id"), nullable=False),
    )


def _cohorts() -> None:
    op.create_table(
        "asked_aggregate",
        *(Column(name, Text, primary_key=True) for name in ("consumer", "resource", "question")),
        Column("sealed", Text, nullable=False),
        Column("asked_at", BigInteger, nullable=False),
    )
    op.create_index("ix_asked_aggregate_asked_at", "asked_aggregate", ["asked_at"])
