"""Initial: catalog, sharing, ledger, exchange."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, SmallInteger, Text, UniqueConstraint

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates all tables."""
    _catalog()
    _sharing()
    _ledger()
    _exchange()


def _catalog() -> None:
    """Departments, sources, imported manifests, published snapshots."""
    op.create_table(
        "department",
        Column("code", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("name_en", Text, nullable=False),
        Column("uscc", Text, nullable=False),
        Column("tier", Text, nullable=False),
        Column("created_at", Text, nullable=False),
    )
    op.create_table(
        "source",
        Column("code", Text, primary_key=True),
        Column("department", Text, ForeignKey("department.code"), nullable=False),
        Column("config", Text, nullable=False),
        Column("registered_at", Text, nullable=False),
    )
    op.create_table(
        "catalog_manifest",
        Column("id", Integer, primary_key=True),
        Column("department", Text, ForeignKey("department.code"), nullable=False),
        Column("text", Text, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("state", Text, CheckConstraint("state IN ('IMPORTED','APPROVED','REJECTED','PUBLISHED')", name="state"), nullable=False),
        Column("imported_by", Text, nullable=False),
        Column("imported_at", Text, nullable=False),
        Column("reviewed_by", Text, CheckConstraint("reviewed_by IS NULL OR reviewed_by <> imported_by", name="four_eyes")),
        Column("reviewed_at", Text),
        Column("opinion", Text),
    )
    op.create_index("ix_catalog_manifest_department_state", "catalog_manifest", ["department", "state"])
    op.create_table(
        "catalog_snapshot",
        Column("number", Integer, primary_key=True),
        Column("manifests", Text, nullable=False),
        Column("published_by", Text, nullable=False),
        Column("published_at", Text, nullable=False),
    )
    op.create_table(
        "revision",
        Column("name", Text, primary_key=True),
        Column("value", Integer, nullable=False),
    )


def _sharing() -> None:
    """Applications, grants and their use, access requests, feedback, revoked tokens."""
    op.create_table(
        "application",
        Column("client_id", Text, primary_key=True),
        Column("name", Text, nullable=False, unique=True),
        Column("department", Text, ForeignKey("department.code"), nullable=False),
        Column("secret_hash", Text, nullable=False),
        Column("roles", Text, nullable=False),
        Column("purposes", Text, nullable=False),
        Column("active", Boolean, nullable=False),
        Column("created_at", Text, nullable=False),
    )
    op.create_table(
        "grant_",
        Column("id", Text, primary_key=True),
        Column("application", Text, ForeignKey("application.client_id"), nullable=False),
        Column("resource", Text, nullable=False),
        Column("terms", Text, nullable=False),
        Column("valid_from", Text, nullable=False),
        Column("valid_to", Text),
        Column("state", Text, CheckConstraint("state IN ('ACTIVE','SUSPENDED','REVOKED')", name="state"), nullable=False),
        Column("approver", Text, nullable=False),
        Column("agreement_hash", Text),
        Column("created_by", Text, nullable=False),
        Column("created_at", Text, nullable=False),
    )
    op.create_index("ix_grant__application_state", "grant_", ["application", "state"])
    op.create_table(
        "access_request",
        Column("id", Text, primary_key=True),
        Column("application", Text, ForeignKey("application.client_id"), nullable=False),
        Column("resource", Text, nullable=False),
        Column("terms", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("due_on", Text, nullable=False),
        Column("rule", Text, nullable=False),
        Column("created_at", Text, nullable=False),
    )
    op.create_table(
        "feedback",
        Column("id", Text, primary_key=True),
        Column("application", Text, ForeignKey("application.client_id"), nullable=False),
        Column("resource", Text, nullable=False),
        Column("terms", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("due_on", Text, nullable=False),
        Column("rule", Text, nullable=False),
        Column("created_at", Text, nullable=False),
    )
    op.create_table(
        "step",
        Column("subject", Text, primary_key=True),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("at", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("step", Text, nullable=False),
        Column("opinion", Text),
    )
    op.create_table(
        "revoked_token",
        Column("jti", Text, primary_key=True),
        Column("expires_at", BigInteger, nullable=False),
    )
    op.create_table(
        "grant_usage",
        Column("grant", Text, primary_key=True),
        Column("period", Text, primary_key=True),
        Column("calls", BigInteger, nullable=False),
        Column("rows", BigInteger, nullable=False),
    )


def _ledger() -> None:
    """Entries, their batches, the tree over them, its signed heads."""
    op.create_table(
        "ledger_head",
        Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
        Column("log", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("batches", BigInteger, nullable=False),
        Column("leaf", LargeBinary(32), nullable=False),
    )
    op.create_table(
        "ledger_batch",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("first", BigInteger, nullable=False, unique=True),
        Column("count", BigInteger, nullable=False),
        Column("root", LargeBinary(32), nullable=False),
        Column("key", Text, nullable=False),
        Column("signature", LargeBinary, nullable=False),
    )
    op.create_table(
        "ledger_entry",
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("batch", BigInteger, nullable=False),
        Column("at", Text, nullable=False),
        Column("call", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("operation", Text),
        Column("application", Text),
        Column("department", Text),
        Column("outcome", Text, nullable=False),
        Column("leaf", LargeBinary(32), nullable=False),
        Column("canonical", LargeBinary, nullable=False),
    )
    op.create_index("ix_ledger_entry_application_seq", "ledger_entry", ["application", "seq"])
    op.create_index("ix_ledger_entry_at", "ledger_entry", ["at"])
    op.create_index("ix_ledger_entry_call", "ledger_entry", ["call"])
    op.create_index("ix_ledger_entry_department_seq", "ledger_entry", ["department", "seq"])
    op.create_table(
        "ledger_access",
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("resource", Text, primary_key=True),
        Column("provider", Text, nullable=False),
    )
    op.create_index("ix_ledger_access_provider_seq", "ledger_access", ["provider", "seq"])
    op.create_index("ix_ledger_access_resource_seq", "ledger_access", ["resource", "seq"])
    op.create_table(
        "ledger_node",
        Column("level", SmallInteger, primary_key=True, autoincrement=False),
        Column("idx", BigInteger, primary_key=True, autoincrement=False),
        Column("hash", LargeBinary(32), nullable=False),
    )
    op.create_table(
        "ledger_checkpoint",
        Column("size", BigInteger, primary_key=True, autoincrement=False),
        Column("note", Text, nullable=False),
    )


def _exchange() -> None:
    """Exchange jobs and their files."""
    op.create_table(
        "exchange",
        Column("id", Text, primary_key=True),
        Column("application", Text, ForeignKey("application.client_id"), nullable=False),
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
        Column(
            "state",
            Text,
            CheckConstraint("state IN ('QUEUED', 'RUNNING', 'PAUSED', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED')", name="state"),
            nullable=False,
        ),
        Column("reason", Text),
        Column("rows_done", BigInteger, nullable=False),
        Column("rows_total", BigInteger),
        Column("bytes", BigInteger, nullable=False),
        Column("plan", Text, nullable=False),
        Column("policy", Text, nullable=False),
        Column("snapshot", Integer, nullable=False),
        Column("entry", BigInteger),
        Column("created_at", Text, nullable=False),
        Column("finished_at", Text),
        Column("expires_at", Text),
        UniqueConstraint("application", "idempotency_key"),
    )
    op.create_index("ix_exchange_application_created_at", "exchange", ["application", "created_at"])
    op.create_table(
        "exchange_file",
        Column("exchange", Text, ForeignKey("exchange.id"), primary_key=True),
        Column("name", Text, primary_key=True),
        Column("rows", BigInteger, nullable=False),
        Column("bytes", BigInteger, nullable=False),
        Column("sha256", Text, nullable=False),
    )
