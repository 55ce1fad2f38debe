"""Tables of what departments have claimed and looked up. Subjects and claims are keyed hashes: who reads the tables can guess neither."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from hub.store.base import metadata

verified_claim = Table(
    "verified_claim",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("claim", Text, primary_key=True),
    Column("day", Text, nullable=False),
)
"""A value that a consumer claimed of a subject's item, with the day (UTC+8) from which it counts. ``subject`` is the ledger's hash."""
Index("ix_verified_claim_day", verified_claim.c.day)

verified_subject = Table(
    "verified_subject",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
)
"""Whom a consumer verified on a day; what came of it stands nowhere."""
Index("ix_verified_subject_day", verified_subject.c.day)

verification_tally = Table(
    "verification_tally",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("subjects", BigInteger, nullable=False),
    Column("unmatched", BigInteger, nullable=False),
    Column("misses", BigInteger, nullable=False),
)
"""Of a consumer's day: subjects verified, those of them without a match when they were first verified, look-ups that found nothing."""
Index("ix_verification_tally_day", verification_tally.c.day)
