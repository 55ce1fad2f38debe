"""What is kept beside the log: witnesses, keys, archives, subjects, withdrawals, usage, feedback and alerts."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, LargeBinary, SmallInteger, Text, text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds the tables."""
    _witness()
    _tracing()
    _withdrawals()
    _reading()
    _usage()


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


def _reading() -> None:
    """What searches read instead of the whole log, and what was archived."""
    no_call, not_ok = text("kind <> 'call'"), text("outcome <> 'OK'")
    op.create_index("ix_ledger_entry_kind_seq", "ledger_entry", ["kind", "seq"], sqlite_where=no_call, postgresql_where=no_call)
    op.create_index("ix_ledger_entry_outcome_seq", "ledger_entry", ["outcome", "seq"], sqlite_where=not_ok, postgresql_where=not_ok)
    op.create_table(
        "ledger_hour",
        Column("hour", Text, primary_key=True),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO ledger_hour (hour, first, last) SELECT substr(at, 1, 13), min(seq), max(seq) FROM ledger_entry "
        "WHERE seq < (SELECT max(size) FROM ledger_checkpoint) GROUP BY substr(at, 1, 13)"
    )
    op.create_table(
        "ledger_archive",
        Column("first", BigInteger, primary_key=True, autoincrement=False),
        Column("count", BigInteger, nullable=False),
        Column("file", Text, nullable=False),
        Column("bytes", BigInteger, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("archived_at", Text, nullable=False),
        Column("pruned_at", Text),
    )


def _usage() -> None:
    dimensions = ("department", "application", "provider", "resource", "operation", "purpose", "scenario", "medium")
    sums = ("entries", "calls", "ok", "partial", "refused", "failed", "counted", "rows", "bytes", "subjects", "undelivered", "timed", "ms", "aged", "age")
    buckets = tuple(f"le_{bound}" for bound in (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, "inf"))
    op.create_table(
        "usage_line",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("key", Text, nullable=False, unique=True),
        *(Column(name, Text, nullable=False) for name in dimensions),
    )
    op.create_index("ix_usage_line_resource", "usage_line", ["resource"])
    op.create_table(
        "usage_day",
        Column("day", Text, primary_key=True),
        Column("line", BigInteger, primary_key=True, autoincrement=False),
        *(Column(name, BigInteger, nullable=False) for name in (*sums, "stale", "unavailable", *buckets, "ms_max", "age_max")),
    )
    op.create_index("ix_usage_day_line_day", "usage_day", ["line", "day"])
    for table, by in (("usage_code", "code"), ("usage_discount", "rule")):
        op.create_table(
            table,
            Column("day", Text, primary_key=True),
            Column("line", BigInteger, primary_key=True, autoincrement=False),
            Column(by, Text, primary_key=True),
            Column("calls", BigInteger, nullable=False),
        )
    op.create_table(
        "usage_state",
        Column("day", Text, primary_key=True),
        Column("closed", Boolean, nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in ("revision", "through", "rows")),
        *(Column(name, Text, nullable=False) for name in ("sha256", "rules", "rules_sha256")),
        Column("call", Text),
    )
    op.create_table(
        "usage_position",
        Column("id", SmallInteger, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("holder", "at")),
    )
