"""The versions of the pseudonyms' master key: which there are and since when, by ids that tell nothing of the secrets."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text

from hub.store.base import UtcText, metadata
from masking.pseudonym import DIGESTS

pseudonym_key = Table(
    "pseudonym_key",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("key_id", Text, nullable=False, unique=True),
    Column("digest", Text, CheckConstraint(f"digest IN {tuple(DIGESTS)}", name="digest"), nullable=False),
    Column("starts_at", UtcText, nullable=False),
    Column("retired_at", UtcText),
)
"""The current version is the newest that has started and is not retired."""
