"""Tables of feedback on wrong data and of complaints."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Table, Text, false

from hub.store.base import UtcText, metadata

feedback_case = Table(
    "feedback_case",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, CheckConstraint("kind IN ('ERROR','OMISSION','INFRINGEMENT','COMPLAINT')", name="kind"), nullable=False),
    Column("application", Text),
    Column("reporter", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("transferred_from", Text),
    Column("resource", Text, nullable=False),
    Column("item", Text),
    Column("subject_entry", BigInteger),
    Column("about", Text),
    Column("description", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("code_hash", Text),
    Column("state", Text, nullable=False),
    Column("party", Text),
    Column("term", Text, nullable=False),
    Column("term_at", UtcText, nullable=False),
    Column("due_on", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("runs", Boolean, nullable=False, server_default=false()),
    Column("late", Text),
    Column("received_at", UtcText, nullable=False),
    Column("answered_at", UtcText),
    Column("answered_due_on", Text),
    Column("closes_on", Text),
    Column("outcome", Text),
    Column("evidence", Text),
    Column("filed_by", Text, nullable=False),
    Column("accepted_by", Text),
    Column("answered_by", Text),
    Column("transferred_by", Text),
    Column("confirmed_by", Text),
    Column("objected_by", Text),
    Column("decided_by", Text),
    Column("escalated_by", Text),
    Column("complained_of", Text),
    Column("created_at", UtcText, nullable=False),
    Column("changed_at", UtcText, nullable=False),
    CheckConstraint("state <> 'CLOSED' OR outcome IS NOT NULL", name="closed_with_outcome"),
    CheckConstraint("outcome IS NULL OR outcome <> 'CORRECTED' OR evidence IS NOT NULL", name="corrected_with_evidence"),
    CheckConstraint("outcome IS NULL OR answered_by IS NOT NULL", name="outcome_by_somebody"),
    CheckConstraint("answered_by IS NULL OR answered_by <> filed_by", name="answered_by_another"),
    CheckConstraint("decided_by IS NULL OR answered_by IS NULL OR decided_by <> answered_by", name="decided_by_another"),
)
"""疑义反馈、投诉. ``application`` is the account that reported: an application's client id, a person's id, nobody's where the public did, who
holds the code behind ``code_hash``; ``consumer`` is its department, empty for the public; ``provider`` must answer, ``transferred_from`` had to
before. ``digest`` is what the ledger has instead of ``description``. ``term`` runs since ``term_at``, ``runs`` while it can be broken;
``due_on`` and ``rule`` are copies of what the rule book says; ``late`` was to act when it ended. ``received_at``: by the present provider;
``answered_at`` and ``answered_due_on``: of the first answer; ``closes_on``: the last day for the reporter. ``evidence`` is JSON without values."""
Index("ix_feedback_case_provider_received_at", feedback_case.c.provider, feedback_case.c.received_at)
Index("ix_feedback_case_application", feedback_case.c.application)
Index("ix_feedback_case_runs_due_on", feedback_case.c.runs, feedback_case.c.due_on)

feedback_pace = Table(
    "feedback_pace",
    metadata,
    Column("day", Text, primary_key=True),
    Column("network", Text, primary_key=True),
    Column("reports", BigInteger, nullable=False),
)
"""What the public reported on a day (China's), per network as a keyed hash, and under an empty name all together."""
