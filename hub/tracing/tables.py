"""Tables of tracing. All but the sets follow from the log and are made anew by ``huitong ledger reindex``."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text

from hub.store.base import metadata

SUBJECT = LargeBinary(16)
"""A subject's hash, the 32 hexadecimal digits of the entry as bytes."""

subject_bucket = Table(
    "ledger_subject_bucket",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("level", SmallInteger, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    Column("seq_first", BigInteger, nullable=False),
    Column("records", LargeBinary, nullable=False),
    Index("ix_ledger_subject_bucket_level", "level", "bucket"),
)
"""Which entries name a subject: records (:mod:`hub.tracing.records`), none of an entry before ``seq_first``. ``bucket`` is the first byte of all hashes
in the row, ``level`` one of those of :mod:`hub.tracing.buckets`.
"""

set_entry = Table(
    "ledger_set_entry",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
)
"""Which entries name a set of subjects."""

exchange_entry = Table(
    "ledger_exchange_entry",
    metadata,
    Column("exchange", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
)
"""Which entries tell of an exchange: its end, its downloads, its disposal."""

indexed = Table(
    "ledger_indexed",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("waiting", BigInteger, nullable=False, server_default="0"),
)
"""How many entries, from the first on, the three tables above cover. Whoever indexes locks it. ``waiting``: bytes of records that are not in buckets yet."""

subject_set = Table(
    "ledger_subject_set",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("first", SUBJECT, primary_key=True),
    Column("last", SUBJECT, nullable=False),
    Column("count", Integer, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
)
"""Sets of subjects, in chunks: sorted distinct hashes, one behind the other. ``digest`` is SHA-256 over all hashes of the set in order."""
