"""Tables of applications, grants, access requests and revoked tokens."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, ForeignKeyConstraint, Index, Table, Text, UniqueConstraint, false

from hub.catalog.tables import department
from hub.store.base import UtcText, metadata

application = Table(
    "application",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("department", Text, ForeignKey(department.c.code), nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("purposes", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcText, nullable=False),
    Column("auth_method", Text, nullable=False, server_default="client_secret_basic"),
    Column("jwks", Text),
    Column("redirect_uris", Text, nullable=False, server_default="[]"),
    Column("dpop_bound", Boolean, nullable=False, server_default=false()),
    Column("owner", Text),
    Column("tokens_from", BigInteger, nullable=False, server_default="0"),
)
"""业务应用系统. ``purposes`` is a JSON array of {code, scenario, basis}; ``jwks`` the public keys of ``private_key_jwt`` (RFC 7517);
``dpop_bound``: its tokens are only issued with a proof of possession (RFC 9449 §5.2); ``owner``: id of the person who answers for it;
``tokens_from``: tokens from before this moment (Unix seconds) are void."""

grant = Table(
    "grant_",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application", Text, ForeignKey(application.c.client_id), nullable=False),
    Column("resource", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("valid_from", UtcText, nullable=False),
    Column("valid_to", UtcText),
    Column("state", Text, CheckConstraint("state IN ('ACTIVE','SUSPENDED','REVOKED','TERMINATED','EXPIRED')", name="state"), nullable=False),
    Column("approver", Text, nullable=False),
    Column("agreement_hash", Text),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcText, nullable=False),
    Column("request", Text, nullable=False),
    Column("reason", Text),
    Column("rectify_by", Text),
    Column("termination_filed_by", Text),
    Column("ended_at", UtcText),
    ForeignKeyConstraint(["request", "id"], ["access_request.id", "access_request.grant"]),
)
"""授权. ``terms`` is JSON: operations, items, rows, purposes, flags, page limit, quota. ``request``: the access request that gave it, which names it
in turn: the database takes no grant without a request that has every approval;
``reason``: the code for which it was suspended or terminated, or its end was filed for; ``rectify_by``: the day set for rectification."""
Index("ix_grant__application_state", grant.c.application, grant.c.state)
Index("ix_grant__state_valid_to", grant.c.state, grant.c.valid_to)

access_request = Table(
    "access_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application", Text, ForeignKey(application.c.client_id), nullable=False),
    Column("consumer", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("extends", Text),
    Column("origin", Text, CheckConstraint("origin IN ('REQUESTED','REGISTERED','RECORDED')", name="origin"), nullable=False),
    Column("state", Text, nullable=False),
    Column("party", Text),
    Column("answer", Text, nullable=False),
    Column("term", Text, nullable=False),
    Column("term_at", UtcText, nullable=False),
    Column("extended_days", BigInteger, nullable=False, server_default="0"),
    Column("due_on", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("runs", Boolean, nullable=False, server_default=false()),
    Column("late", Text),
    Column("missing", Text),
    Column("reason", Text),
    Column("filed_by", Text, nullable=False),
    Column("endorsed_by", Text),
    Column("noticed_by", Text),
    Column("checked_by", Text),
    Column("extension_asked_by", Text),
    Column("extension_decided_by", Text),
    Column("opinion_by", Text),
    Column("agreed_by", Text),
    Column("decided_by", Text),
    Column("overruled_by", Text),
    Column("agreement", Text),
    Column("agreement_hash", Text),
    Column("consumer_signed_by", Text),
    Column("provider_signed_by", Text),
    Column("grant", Text),
    Column("created_at", UtcText, nullable=False),
    Column("changed_at", UtcText, nullable=False),
    CheckConstraint("endorsed_by IS NULL OR endorsed_by <> filed_by", name="endorsed_by_another"),
    CheckConstraint(
        "opinion_by IS NULL OR origin <> 'REQUESTED' OR (opinion_by <> filed_by AND endorsed_by IS NOT NULL AND opinion_by <> endorsed_by "
        "AND checked_by IS NOT NULL)",
        name="opinion_of_another",
    ),
    CheckConstraint(
        "decided_by IS NULL OR (decided_by <> filed_by AND (opinion_by IS NULL OR decided_by <> opinion_by) "
        "AND (endorsed_by IS NULL OR decided_by <> endorsed_by))",
        name="four_eyes",
    ),
    CheckConstraint("overruled_by IS NULL OR decided_by IS NULL OR decided_by <> overruled_by", name="overruled_by_another"),
    CheckConstraint("consumer_signed_by IS NULL OR provider_signed_by IS NULL OR consumer_signed_by <> provider_signed_by", name="signed_by_two"),
    CheckConstraint(
        "\"grant\" IS NULL OR origin <> 'REQUESTED' OR (state = 'GRANTED' AND endorsed_by IS NOT NULL AND checked_by IS NOT NULL "
        "AND opinion_by IS NOT NULL AND (agreed_by IS NOT NULL OR overruled_by IS NOT NULL) AND decided_by IS NOT NULL "
        "AND agreement_hash IS NOT NULL AND consumer_signed_by IS NOT NULL AND provider_signed_by IS NOT NULL)",
        name="every_approval",
    ),
    CheckConstraint("state <> 'GRANTED' OR origin <> 'REQUESTED' OR \"grant\" IS NOT NULL", name="granted"),
    UniqueConstraint("id", "grant"),
)
"""共享申请. ``origin``: asked for through the hub, approved with an application's registration (unconditional resources), or recorded
from a decision on paper. Who did which step stands in columns of its own, so that the database itself refuses a skipped approval.

``answer`` is the code of the term in which it is to be answered, ``term`` of the one that runs, since ``term_at``; ``party`` must act now;
``runs``: in this state the term can be broken; ``late`` was to act when the term ended; ``due_on`` and ``rule`` are copies of what the rule book says (:mod:`hub.sharing.due`)."""
Index("ix_access_request_state", access_request.c.state)
Index("ix_access_request_application", access_request.c.application)
Index("ix_access_request_runs_due_on", access_request.c.runs, access_request.c.due_on)

disposal = Table(
    "disposal",
    metadata,
    Column("grant", Text, ForeignKey(grant.c.id), primary_key=True),
    Column("state", Text, CheckConstraint("state IN ('DUE','FILED','CONFIRMED')", name="state"), nullable=False),
    Column("ended_at", UtcText, nullable=False),
    Column("working_days", BigInteger, nullable=False),
    Column("due_on", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("late", Text),
    Column("statement", Text),
    Column("certificate_hash", Text),
    Column("filed_by", Text),
    Column("filed_at", UtcText),
    Column("confirmed_by", Text, CheckConstraint("confirmed_by IS NULL OR (filed_by IS NOT NULL AND confirmed_by <> filed_by)", name="four_eyes")),
    Column("confirmed_at", UtcText),
)
"""数据处置: what became of the data after a grant ended (APP-08), stated by the consumer, confirmed by the provider, due ``working_days``
after the end."""

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
"""What was done with an access request, a grant or a feedback, by whom, when; rows are only added."""

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
    Column("until", BigInteger, nullable=False, server_default="0"),
)
"""What the grants that have a quota or a rate used, per period; ``until`` is the period's end (Unix seconds)."""
Index("ix_grant_usage_until", grant_usage.c.until)
