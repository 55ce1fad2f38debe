"""People, roles as rows of their own, ways of OAuth clients to prove themselves, authorization codes."""

from __future__ import annotations

import json

from alembic import op
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, Text, column, false, select, table, text, true

revision = "0003"
down_revision = "0002"

_application = table("application", column("client_id", Text), column("roles", Text), column("created_at", Text))
_role = table("account_role", column("account", Text), column("role", Text), column("given_by", Text), column("given_at", Text))


def upgrade() -> None:
    """Adds tables and columns; roles move out of their JSON."""
    _people()
    _clients()
    _roles()
    _once()


def _people() -> None:
    op.create_table(
        "person",
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False, unique=True),
        Column("display_name", Text, nullable=False),
        Column("department", Text, ForeignKey("department.code"), nullable=False),
        Column("state", Text, CheckConstraint("state IN ('PROPOSED','INVITED','ACTIVE','DISABLED')", name="state"), nullable=False),
        Column("password_hash", Text),
        Column("totp_secret", LargeBinary),
        Column("totp_step", BigInteger, nullable=False, server_default="0"),
        Column("tokens_from", BigInteger, nullable=False, server_default="0"),
        Column("proposal_hash", Text),
        Column("invitation_hash", Text),
        Column("invitation_until", Text),
        Column("created_by", Text, nullable=False),
        Column("approved_by", Text, CheckConstraint("approved_by IS NULL OR approved_by <> created_by", name="four_eyes")),
        Column("created_at", Text, nullable=False),
        CheckConstraint("approved_by IS NOT NULL OR created_by = 'bootstrap' OR state IN ('PROPOSED','DISABLED')", name="approved"),
    )
    _role_changes()
    op.create_table(
        "login_failure",
        Column("key", Text, primary_key=True),
        Column("failures", Integer, nullable=False),
        Column("at", Text, nullable=False),
        Column("locked_until", Text, nullable=False),
    )
    op.create_table(
        "person_session",
        Column("id_hash", Text, primary_key=True),
        Column("person", Text, ForeignKey("person.id"), nullable=False),
        Column("csrf", Text, nullable=False),
        Column("created_at", Text, nullable=False),
        Column("seen_at", Text, nullable=False),
        Column("until", Text, nullable=False),
    )


def _role_changes() -> None:
    op.create_table(
        "role_change",
        Column("id", Text, primary_key=True),
        Column("person", Text, ForeignKey("person.id"), nullable=False),
        Column("roles", Text, nullable=False),
        Column("state", Text, CheckConstraint("state IN ('PROPOSED','APPROVED','REFUSED')", name="state"), nullable=False),
        Column("proposed_by", Text, nullable=False),
        Column("proposed_at", Text, nullable=False),
        Column("decided_by", Text, CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="four_eyes")),
        Column("decided_at", Text),
        CheckConstraint("decided_by IS NOT NULL OR state = 'PROPOSED'", name="decided"),
        CheckConstraint("person <> proposed_by AND (decided_by IS NULL OR person <> decided_by)", name="not_oneself"),
    )
    waiting = text("state = 'PROPOSED'")
    op.create_index("uq_role_change_open", "role_change", ["person"], unique=True, sqlite_where=waiting, postgresql_where=waiting)


def _clients() -> None:
    op.add_column("department", Column("active", Boolean, nullable=False, server_default=true()))
    op.add_column("application", Column("auth_method", Text, nullable=False, server_default="client_secret_basic"))
    op.add_column("application", Column("jwks", Text))
    op.add_column("application", Column("redirect_uris", Text, nullable=False, server_default="[]"))
    op.add_column("application", Column("dpop_bound", Boolean, nullable=False, server_default=false()))
    op.add_column("application", Column("owner", Text))
    op.add_column("application", Column("tokens_from", BigInteger, nullable=False, server_default="0"))


def _roles() -> None:
    op.create_table(
        "account_role",
        Column("account", Text, primary_key=True),
        Column("role", Text, primary_key=True),
        Column("given_by", Text, nullable=False),
        Column("given_at", Text, nullable=False),
    )
    three = text("role IN ('governance:system','governance:security','governance:audit')")
    op.create_index("uq_account_role_three", "account_role", ["account"], unique=True, sqlite_where=three, postgresql_where=three)
    connection = op.get_bind()
    for row in connection.execute(select(_application)).all():
        for role in json.loads(row.roles):
            connection.execute(_role.insert().values(account=row.client_id, role=role, given_by="migration 0003", given_at=row.created_at))
    op.drop_column("application", "roles")


def _once() -> None:
    op.create_table(
        "authorization_code",
        Column("code_hash", Text, primary_key=True),
        Column("client_id", Text, nullable=False),
        Column("person", Text, ForeignKey("person.id"), nullable=False),
        Column("application", Text),
        Column("redirect_uri", Text, nullable=False),
        Column("scope", Text, nullable=False),
        Column("challenge", Text, nullable=False),
        Column("jkt", Text),
        Column("until", BigInteger, nullable=False),
        Column("used", BigInteger, nullable=False, server_default="0"),
        Column("jti", Text),
        Column("token_until", BigInteger),
    )
    op.create_table("used_once", Column("key", Text, primary_key=True), Column("until", BigInteger, nullable=False))
