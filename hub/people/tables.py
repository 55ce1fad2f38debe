"""Tables of people, of everybody's administrative roles, of browser sessions and authorization codes."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from hub.catalog.scopes import AUDIT, SECURITY, SYSTEM
from hub.catalog.tables import department
from hub.store.base import UtcText, metadata

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("department", Text, ForeignKey(department.c.code), nullable=False),
    Column("state", Text, CheckConstraint("state IN ('PROPOSED','INVITED','ACTIVE','DISABLED')", name="state"), nullable=False),
    Column("password_hash", Text),
    Column("totp_secret", LargeBinary),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    Column("tokens_from", BigInteger, nullable=False, server_default="0"),
    Column("proposal_hash", Text),
    Column("invitation_hash", Text),
    Column("invitation_until", UtcText),
    Column("created_by", Text, nullable=False),
    Column("approved_by", Text, CheckConstraint("approved_by IS NULL OR approved_by <> created_by", name="four_eyes")),
    Column("created_at", UtcText, nullable=False),
    CheckConstraint("approved_by IS NOT NULL OR created_by = 'bootstrap' OR state IN ('PROPOSED','DISABLED')", name="approved"),
)
"""人员账号. ``name`` is what one logs in with, ``id`` begins with ``person_``. ``totp_secret`` is sealed with a key of the home;
``totp_step`` is the last time step whose code was used (RFC 6238 §5.2: each once). Tokens from before ``tokens_from`` (Unix seconds) are void. ``proposal_hash`` and ``invitation_hash`` are of the
two halves of an invitation, told to who proposed and to who approved. ``created_by`` is who proposed it last, ``bootstrap`` for the first three."""

role_change = Table(
    "role_change",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey(person.c.id), nullable=False),
    Column("roles", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('PROPOSED','APPROVED','REFUSED')", name="state"), nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", UtcText, nullable=False),
    Column("decided_by", Text, CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="four_eyes")),
    Column("decided_at", UtcText),
    CheckConstraint("decided_by IS NOT NULL OR state = 'PROPOSED'", name="decided"),
    CheckConstraint("person <> proposed_by AND (decided_by IS NULL OR person <> decided_by)", name="not_oneself"),
)
"""Roles that somebody is to hold, as a JSON array: all of them, not a difference. Nobody proposes or decides for himself."""
_open = text("state = 'PROPOSED'")
Index("uq_role_change_open", role_change.c.person, unique=True, sqlite_where=_open, postgresql_where=_open)
"""One open proposal per person."""

login_failure = Table(
    "login_failure",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("at", UtcText, nullable=False),
    Column("locked_until", UtcText, nullable=False),
)
"""Failed logins by name (hashed; existing or not, so that a lock tells nothing) and by network address."""

account_role = Table(
    "account_role",
    metadata,
    Column("account", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("given_by", Text, nullable=False),
    Column("given_at", UtcText, nullable=False),
)
"""Governance scopes of applications (by client id) and people (by id)."""
_three = text(f"role IN ('{SYSTEM}','{SECURITY}','{AUDIT}')")
Index("uq_account_role_three", account_role.c.account, unique=True, sqlite_where=_three, postgresql_where=_three)
"""三员: no account holds two of the three administrators' roles (GB/T 22239-2019 §8.1.5), whatever program writes."""

person_session = Table(
    "person_session",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("person", Text, ForeignKey(person.c.id), nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", UtcText, nullable=False),
    Column("seen_at", UtcText, nullable=False),
    Column("until", UtcText, nullable=False),
)
"""Browser sessions; only the hash of the cookie is stored."""

authorization_code = Table(
    "authorization_code",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("person", Text, ForeignKey(person.c.id), nullable=False),
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
"""Authorization codes (RFC 6749 §4.1), hashed; ``jti`` is of the token that a code gave, revoked when the code comes a second time."""

used_once = Table(
    "used_once",
    metadata,
    Column("key", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
)
"""What may be used once: ``jti`` of client assertions and DPoP proofs (Unix seconds of their end), seen by every node."""
