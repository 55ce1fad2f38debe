"""What is kept beside the log: witnesses, keys, archives, subjects, withdrawals, usage, feedback and alerts."""

from __future__ import annotations

import hashlib
import json

from alembic import op
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, LargeBinary, SmallInteger, Text, false, insert, select, text
from sqlalchemy import column as column_
from sqlalchemy import table as table_

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds the tables."""
    _keys()
    _witness()
    _tracing()
    _withdrawals()
    _reading()
    _usage()
    _feedback()
    _anomalies()


def _keys() -> None:
    """The log's keys. Whoever opens the log next adopts the one that it was signed with."""
    op.add_column("ledger_head", Column("key", Text))
    op.create_table(
        "ledger_key",
        Column("number", SmallInteger, primary_key=True, autoincrement=False),
        Column("verifier", Text, nullable=False, unique=True),
        Column("reason", Text, CheckConstraint("reason IN ('FIRST', 'ROTATED', 'LOST')", name="reason"), nullable=False),
        Column("batch", BigInteger, nullable=False),
        *(Column(name, BigInteger) for name in ("announced", "endorsed")),
        Column("statement", LargeBinary),
    )


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


def _feedback() -> None:
    texts = ("transferred_from", "item", "about", "code_hash", "party", "late", "answered_at", "answered_due_on", "closes_on", "outcome", "evidence")
    people = ("accepted_by", "answered_by", "transferred_by", "confirmed_by", "objected_by", "decided_by", "escalated_by", "complained_of")
    given = ("reporter", "consumer", "provider", "resource", "description", "digest", "state", "term", "term_at", "due_on", "rule", "received_at", "filed_by")
    op.create_table(
        "feedback_case",
        Column("id", Text, primary_key=True),
        Column("kind", Text, CheckConstraint("kind IN ('ERROR','OMISSION','INFRINGEMENT','COMPLAINT')", name="kind"), nullable=False),
        Column("application", Text),
        Column("subject_entry", BigInteger),
        Column("runs", Boolean, nullable=False, server_default=false()),
        *(Column(name, Text, nullable=False) for name in (*given, "created_at", "changed_at")),
        *(Column(name, Text) for name in (*texts, *people)),
        CheckConstraint("state <> 'CLOSED' OR outcome IS NOT NULL", name="closed_with_outcome"),
        CheckConstraint("outcome IS NULL OR outcome <> 'CORRECTED' OR evidence IS NOT NULL", name="corrected_with_evidence"),
        CheckConstraint("outcome IS NULL OR answered_by IS NOT NULL", name="outcome_by_somebody"),
        CheckConstraint("answered_by IS NULL OR answered_by <> filed_by", name="answered_by_another"),
        CheckConstraint("decided_by IS NULL OR answered_by IS NULL OR decided_by <> answered_by", name="decided_by_another"),
    )
    op.create_index("ix_feedback_case_provider_received_at", "feedback_case", ["provider", "received_at"])
    op.create_index("ix_feedback_case_application", "feedback_case", ["application"])
    op.create_index("ix_feedback_case_runs_due_on", "feedback_case", ["runs", "due_on"])
    op.create_table("feedback_pace", *(Column(name, Text, primary_key=True) for name in ("day", "network")), Column("reports", BigInteger, nullable=False))
    _feedback_of_before()


def _anomalies() -> None:
    key = ("application", "resource")
    op.create_table(
        "anomaly_hour",
        *(Column(name, Text, primary_key=True) for name in (*key, "hour")),
        *(Column(name, BigInteger, nullable=False) for name in ("calls", "rows", "subjects", "misses", "refusals")),
    )
    op.create_table(
        "anomaly_asked",
        *(Column(name, Text, primary_key=True) for name in (*key, "kind", "hour")),
        *(Column(name, BigInteger, nullable=False) for name in ("asked", "near")),
    )
    for table in ("anomaly_hour", "anomaly_asked"):
        op.create_index(f"ix_{table}_hour", table, ["hour"])
    op.create_table(
        "anomaly_position",
        Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
        *(Column(name, BigInteger, nullable=False) for name in ("seq", "since")),
        *(Column(name, Text, nullable=False) for name in ("holder", "at")),
    )
    given = ("rule", "version", "kind", "severity", "action", "application", "department", "resource", "operator", "measure", "began", "window")
    op.create_table(
        "anomaly",
        Column("id", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in given),
        *(Column(name, BigInteger, nullable=False) for name in ("observed", "expected")),
        *(Column(name, BigInteger) for name in ("first_entry", "last_entry")),
        Column("state", Text, CheckConstraint("state IN ('OPEN','ACKNOWLEDGED','CONFIRMED','FALSE_ALARM')", name="state"), nullable=False),
        *(Column(name, Text, nullable=False) for name in ("opened_at", "changed_at")),
        *(Column(name, Text) for name in ("judged_by", "judged_at")),
        Column("opinion", Text, CheckConstraint("judged_by IS NULL OR opinion IS NOT NULL", name="judged_with_opinion")),
        Column("per_minute", Integer),
        *(Column(name, Text) for name in ("throttled_resource", "throttled_until", "released_by", "released_at", "release_opinion")),
    )
    pending = text("state IN ('OPEN','ACKNOWLEDGED')")
    unique = ["rule", *key, "operator"]
    op.create_index("ix_anomaly_pending", "anomaly", unique, unique=True, sqlite_where=pending, postgresql_where=pending)
    for column in ("application", "throttled_until"):
        op.create_index(f"ix_anomaly_{column}", "anomaly", [column])


def _feedback_of_before() -> None:
    """Feedback could be filed, and nothing more; its histories were not proven yet."""
    connection = op.get_bind()
    names = ("id", "application", "resource", "terms", "state", "due_on", "rule", "term", "created_at")
    old = table_("feedback", *(column_(name) for name in names))
    apps, steps = table_("application", column_("client_id"), column_("name"), column_("department")), table_("step", column_("subject"), column_("actor"))
    joined = old.join(apps, apps.c.client_id == old.c.application).outerjoin(steps, steps.c.subject == old.c.id)
    rows = connection.execute(select(old, apps.c.name, apps.c.department, steps.c.actor).select_from(joined)).all()
    new = table_("feedback_case", *(column_(name) for name in (*names, *_FEEDBACK_MORE) if name != "terms"))
    for row in rows:
        given, at = json.loads(row.terms), row.created_at
        entry, text = str(given.get("subject_entry") or ""), str(given["description"])
        who = {"application": row.application, "reporter": row.name, "consumer": row.department, "filed_by": row.actor or row.name}
        what = {"kind": "ERROR", "resource": row.resource, "provider": row.resource.partition(".")[0], "item": given.get("item"), "description": text}
        what |= {"subject_entry": int(entry) if entry.isdigit() and len(entry) < 19 else None, "party": "provider"}
        runs = "未定日数" not in row.rule and "未规定期限" not in row.rule
        kept = {"id": row.id, "state": row.state, "due_on": row.due_on, "rule": row.rule, "term": row.term, "term_at": at, "runs": runs}
        digest = hashlib.sha256(f"{row.id}\0{text}".encode()).hexdigest()
        connection.execute(insert(new).values(**who, **what, **kept, digest=digest, received_at=at, created_at=at, changed_at=at))
    op.drop_table("feedback")


_FEEDBACK_MORE = (
    *("kind", "reporter", "consumer", "provider", "filed_by", "item", "description", "digest", "subject_entry", "party"),
    *("term_at", "runs", "received_at", "changed_at"),
)
