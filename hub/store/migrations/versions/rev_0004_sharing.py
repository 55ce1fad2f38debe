"""The sharing workflow: access requests with the columns of every approval, more ends of a grant, disposal of data, the working calendar."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Text, text

revision = "0004"
down_revision = "0003"

_STATES = "state IN ('ACTIVE','SUSPENDED','REVOKED','TERMINATED','EXPIRED')"
_EVERY = (
    "\"grant\" IS NULL OR origin <> 'REQUESTED' OR (endorsed_by IS NOT NULL AND checked_by IS NOT NULL AND opinion_by IS NOT NULL "
    "AND decided_by IS NOT NULL AND agreement_hash IS NOT NULL AND consumer_signed_by IS NOT NULL AND provider_signed_by IS NOT NULL)"
)


def upgrade() -> None:
    """Makes two tables anew with their rows, for SQLite cannot change a constraint, and adds two."""
    _grants()
    _requests()
    op.create_table(
        "disposal",
        Column("grant", Text, primary_key=True),
        Column("due_on", Text, nullable=False),
        Column("rule", Text, nullable=False),
        Column("statement", Text),
        Column("certificate_hash", Text),
        Column("filed_by", Text),
        Column("filed_at", Text),
        Column("confirmed_by", Text, CheckConstraint("confirmed_by IS NULL OR confirmed_by <> filed_by", name="four_eyes")),
        Column("confirmed_at", Text),
    )
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


def _grants() -> None:
    rows = _taken("grant_")
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
        Column("request", Text),
        Column("reason", Text),
    )
    op.create_index("ix_grant__application_state", "grant_", ["application", "state"])
    op.bulk_insert(made, rows)


def _requests() -> None:
    rows = _taken("access_request")
    made = op.create_table(
        "access_request",
        Column("id", Text, primary_key=True),
        Column("application", Text, ForeignKey("application.client_id"), nullable=False),
        Column("resource", Text, nullable=False),
        Column("terms", Text, nullable=False),
        Column("origin", Text, CheckConstraint("origin IN ('REQUESTED','REGISTERED','RECORDED')", name="origin"), nullable=False),
        Column("state", Text, nullable=False),
        Column("due_on", Text, nullable=False),
        Column("rule", Text, nullable=False),
        Column("filed_by", Text, nullable=False),
        Column("endorsed_by", Text),
        Column("checked_by", Text),
        Column("opinion_by", Text),
        Column("decided_by", Text),
        Column("noticed_at", Text),
        Column("extended_by", Text),
        Column("agreement", Text),
        Column("agreement_hash", Text),
        Column("consumer_signed_by", Text),
        Column("provider_signed_by", Text),
        Column("grant", Text),
        Column("created_at", Text, nullable=False),
        Column("changed_at", Text, nullable=False),
        CheckConstraint("decided_by IS NULL OR (decided_by <> filed_by AND (opinion_by IS NULL OR decided_by <> opinion_by))", name="four_eyes"),
        CheckConstraint("opinion_by IS NULL OR opinion_by <> filed_by", name="opinion_of_another"),
        CheckConstraint(_EVERY, name="every_approval"),
    )
    op.create_index("ix_access_request_state", "access_request", ["state"])
    op.bulk_insert(made, [{**row, "origin": "REQUESTED", "filed_by": row["application"], "changed_at": row["created_at"]} for row in rows])
