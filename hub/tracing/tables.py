"""Tables of tracing. All but the sets follow from the log and are made anew by ``huitong ledger reindex``."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, LargeBinary, SmallInteger, Table, Text

from hub.store.base import metadata

SUBJECT = LargeBinary(16)
"""A subject's hash, the 32 hexadecimal digits of the entry as bytes."""

subject = Table(
    "ledger_subject",
    metadata,
    Column("subject", SUBJECT, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Which entries name a subject."""

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
)
"""How many entries, from the first on, the three tables above cover. Whoever indexes locks it."""

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
