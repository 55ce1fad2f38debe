"""Tables of applications, grants, access requests, feedback and revoked tokens."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text

from hub.catalog.tables import department
from hub.store.base import UtcText, metadata

application = Table(
    "application",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("department", Text, ForeignKey(department.c.code), nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("purposes", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcText, nullable=False),
)
"""业务应用系统. ``roles`` is a JSON array of governance scopes, ``purposes`` a JSON array of {code, scenario, basis}."""

grant = Table(
    "grant_",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application", Text, ForeignKey(application.c.client_id), nullable=False),
    Column("resource", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("valid_from", UtcText, nullable=False),
    Column("valid_to", UtcText),
    Column("state", Text, CheckConstraint("state IN ('ACTIVE','SUSPENDED','REVOKED')", name="state"), nullable=False),
    Column("approver", Text, nullable=False),
    Column("agreement_hash", Text),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcText, nullable=False),
)
"""授权. ``terms`` is JSON: operations, items, rows, purposes, flags, page limit, quota."""
Index("ix_grant__application_state", grant.c.application, grant.c.state)

access_request = Table(
    "access_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application", Text, ForeignKey(application.c.client_id), nullable=False),
    Column("resource", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_on", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("created_at", UtcText, nullable=False),
)
"""共享申请."""

feedback = Table(
    "feedback",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application", Text, ForeignKey(application.c.client_id), nullable=False),
    Column("resource", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_on", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("created_at", UtcText, nullable=False),
)
"""疑义反馈."""

step = Table(
    "step",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcText, nullable=False),
    Column("actor", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("opinion", Text),
)
"""What was done with an access request or a feedback, by whom, when; rows are only added."""

revoked_token = Table(
    "revoked_token",
    metadata,
    Column("jti", Text, primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
)
"""Revoked access tokens until they expire (Unix seconds)."""

grant_usage = Table(
    "grant_usage",
    metadata,
    Column("grant", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
)
"""What the grants that have a quota used, per period."""
