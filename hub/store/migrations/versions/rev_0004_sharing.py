"""The sharing workflow: access requests with the columns of every approval, more ends of a grant, disposal of data, the working calendar."""

from __future__ import annotations

import json
from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, ForeignKeyConstraint, Text, UniqueConstraint, false, text

revision = "0004"
down_revision = "0003"

_STATES = "state IN ('ACTIVE','SUSPENDED','REVOKED','TERMINATED','EXPIRED')"
_ENDORSED = "endorsed_by IS NULL OR endorsed_by <> filed_by"
_OPINION = (
    "opinion_by IS NULL OR origin <> 'REQUESTED' OR (opinion_by <> filed_by AND endorsed_by IS NOT NULL AND opinion_by <> endorsed_by "
    "AND checked_by IS NOT NULL)"
)
_FOUR_EYES = (
    "decided_by IS NULL OR (decided_by <> filed_by AND (opinion_by IS NULL OR decided_by <> opinion_by) AND (endorsed_by IS NULL OR decided_by <> endorsed_by))"
)
_OVERRULED = "overruled_by IS NULL OR decided_by IS NULL OR decided_by <> overruled_by"
_SIGNED = "consumer_signed_by IS NULL OR provider_signed_by IS NULL OR consumer_signed_by <> provider_signed_by"
_EVERY = (
    "\"grant\" IS NULL OR origin <> 'REQUESTED' OR (state = 'GRANTED' AND endorsed_by IS NOT NULL AND checked_by IS NOT NULL "
    "AND opinion_by IS NOT NULL AND (agreed_by IS NOT NULL OR overruled_by IS NOT NULL) AND decided_by IS NOT NULL "
    "AND agreement_hash IS NOT NULL AND consumer_signed_by IS NOT NULL AND provider_signed_by IS NOT NULL)"
)
_GRANTED = "state <> 'GRANTED' OR origin <> 'REQUESTED' OR \"grant\" IS NOT NULL"


def upgrade() -> None:
    """Makes two tables anew with their rows, for SQLite cannot change a constraint, and adds two."""
    grants = _taken("grant_")
    requests = _requests(grants)
    _grants(grants, requests)
    op.create_table(
        "disposal",
        Column("grant", Text, ForeignKey("grant_.id"), primary_key=True),
        Column("state", Text, CheckConstraint("state IN ('DUE','FILED','CONFIRMED')", name="state"), nullable=False),
        Column("ended_at", Text, nullable=False),
        Column("working_days", BigInteger, nullable=False),
        Column("due_on", Text, nullable=False),
        Column("rule", Text, nullable=False),
        Column("late", Text),
        Column("statement", Text),
        Column("certificate_hash", Text),
        Column("filed_by", Text),
        Column("filed_at", Text),
        Column("confirmed_by", Text, CheckConstraint("confirmed_by IS NULL OR (filed_by IS NOT NULL AND confirmed_by <> filed_by)", name="four_eyes")),
        Column("confirmed_at", Text),
    )
    op.add_column("feedback", Column("term", Text, nullable=False, server_default="correction"))
    op.add_column("grant_usage", Column("until", BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_grant_usage_until", "grant_usage", ["until"])
    op.create_table(
        "calendar_day",
        Column("day", Text, primary_key=True),
        Column("working", Boolean, nullable=False),
        Column("note", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("set_by", Text, nullable=False),
        Column("set_at", Text, nullable=False),
    )


def _taken(name: str) -> list[dict[str, Any]]:
    """The rows of a table, which is dropped."""
    rows = [dict(row) for row in op.get_bind().execute(text(f'SELECT * FROM "{name}"')).mappings()]  # noqa: S608 - the names stand below
    op.drop_table(name)
    return rows


def _grants(rows: list[dict[str, Any]], requests: dict[str, str]) -> None:
    made = op.create_table(
        "grant_",
        Column("id", Text, primary_key=True),
        Column("application", Text, ForeignKey("application.client_id"), nullable=False),
        Column("resource", Text, nullable=False),
        Column("terms", Text, nullable=False),
        Column("valid_from", Text, nullable=False),
        Column("valid_to", Text),
        Column("state", Text, CheckConstraint(_STATES, name="state"), nullable=False),
        Column("approver", Text, nullable=False),
        Column("agreement_hash", Text),
        Column("created_by", Text, nullable=False),
        Column("created_at", Text, nullable=False),
        Column("request", Text, nullable=False),
        Column("reason", Text),
        Column("rectify_by", Text),
        Column("termination_filed_by", Text),
        Column("ended_at", Text),
        ForeignKeyConstraint(["request", "id"], ["access_request.id", "access_request.grant"], name="fk_grant__request_access_request"),
    )
    op.create_index("ix_grant__application_state", "grant_", ["application", "state"])
    op.create_index("ix_grant__state_valid_to", "grant_", ["state", "valid_to"])
    op.bulk_insert(made, [{**row, "request": requests[row["id"]]} for row in rows])


def _requests(grants: list[dict[str, Any]]) -> dict[str, str]:
    """The requests, and one for each grant; which is whose."""
    departments = {row.client_id: row.department for row in op.get_bind().execute(text("SELECT client_id, department FROM application"))}
    rows = [_request(row, departments[row["application"]]) for row in _taken("access_request")]
    rows += [_of_grant(row, departments[row["application"]]) for row in grants]
    texts = ("terms", "state", "answer", "term", "term_at", "due_on", "rule", "filed_by", "created_at", "changed_at")
    steps = ("endorsed_by", "noticed_by", "checked_by", "extension_asked_by", "extension_decided_by", "opinion_by", "agreed_by", "decided_by")
    more = ("overruled_by", "agreement", "agreement_hash", "consumer_signed_by", "provider_signed_by", "grant")
    made = op.create_table(
        "access_request",
        Column("id", Text, primary_key=True),
        Column("application", Text, ForeignKey("application.client_id"), nullable=False),
        *(Column(name, Text, nullable=False) for name in ("consumer", "provider", "resource", *texts)),
        Column("origin", Text, CheckConstraint("origin IN ('REQUESTED','REGISTERED','RECORDED')", name="origin"), nullable=False),
        Column("extended_days", BigInteger, nullable=False, server_default="0"),
        Column("runs", Boolean, nullable=False, server_default=false()),
        *(Column(name, Text) for name in ("extends", "party", "late", "missing", "reason", *steps, *more)),
        CheckConstraint(_ENDORSED, name="endorsed_by_another"),
        CheckConstraint(_OPINION, name="opinion_of_another"),
        CheckConstraint(_FOUR_EYES, name="four_eyes"),
        CheckConstraint(_OVERRULED, name="overruled_by_another"),
        CheckConstraint(_SIGNED, name="signed_by_two"),
        CheckConstraint(_EVERY, name="every_approval"),
        CheckConstraint(_GRANTED, name="granted"),
        UniqueConstraint("id", "grant", name="uq_access_request_id_grant"),
    )
    op.create_index("ix_access_request_state", "access_request", ["state"])
    op.create_index("ix_access_request_application", "access_request", ["application"])
    op.create_index("ix_access_request_runs_due_on", "access_request", ["runs", "due_on"])
    op.bulk_insert(made, rows)
    return {row["grant"]: row["id"] for row in rows if row["grant"]}


def _request(row: dict[str, Any], consumer: str) -> dict[str, Any]:
    """A request of before: one that waits is filed and begins at the start of the workflow; what was approved then was granted apart from it."""
    approved = row["state"] == "APPROVED"
    waits = row["state"] == "SUBMITTED"
    return {
        **row,
        "consumer": consumer,
        "provider": row["resource"].partition(".")[0],
        "origin": "RECORDED" if approved else "REQUESTED",
        "state": "GRANTED" if approved else "FILED" if waits else row["state"],
        "party": "consumer" if waits else None,
        "grant": None,
        "agreement_hash": None,
        "decided_by": None,
        "answer": "answer_conditional",
        "term": "answer_conditional",
        "term_at": row["created_at"],
        "filed_by": row["application"],
        "changed_at": row["created_at"],
    }


def _of_grant(row: dict[str, Any], consumer: str) -> dict[str, Any]:
    """The request that a grant of before stands for: it was decided outside the hub."""
    moment = row["created_at"]
    same = {name: row[name] for name in ("application", "resource", "agreement_hash", "created_at")}
    return {
        **same,
        "id": f"request_{row['id'].removeprefix('grant_')}",
        "consumer": consumer,
        "provider": row["resource"].partition(".")[0],
        "terms": json.dumps({"grant": json.loads(row["terms"]), "disposal_days": 20}, ensure_ascii=False, sort_keys=True),
        "origin": "RECORDED",
        "state": "GRANTED",
        "party": None,
        "grant": row["id"],
        "answer": "answer_conditional",
        "term": "answer_conditional",
        "term_at": moment,
        "due_on": moment[:10],
        "rule": "",
        "filed_by": row["application"],
        "decided_by": row["approver"],
        "changed_at": moment,
    }
