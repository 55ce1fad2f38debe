"""The ledger's tables. Rows are only ever added, but for the one row of ``ledger_head``.

Everything beside ``canonical`` in ``ledger_entry`` and all of ``ledger_access`` repeats what the canonical bytes say, to search by;
``verify.py`` compares them, so foreign keys, which cost every insertion two look-ups, would add nothing.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, SmallInteger, Table, Text

from hub.store.base import UtcText, metadata

HASH = LargeBinary(32)

head = Table(
    "ledger_head",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("log", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("batches", BigInteger, nullable=False),
    Column("leaf", HASH, nullable=False),
)
"""Where the log ends: how many entries and batches it has, and the last entry's leaf hash (zeros while empty). Appending locks it."""

batch = Table(
    "ledger_batch",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False, unique=True),
    Column("count", BigInteger, nullable=False),
    Column("root", HASH, nullable=False),
    Column("key", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""One commit: ``count`` entries from ``first`` on, the root over their leaves, and its one signature."""

entry = Table(
    "ledger_entry",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("batch", BigInteger, nullable=False),
    Column("at", UtcText, nullable=False, index=True),
    Column("call", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("operation", Text),
    Column("application", Text),
    Column("department", Text),
    Column("outcome", Text, nullable=False),
    Column("leaf", HASH, nullable=False),
    Column("canonical", LargeBinary, nullable=False),
)
Index("ix_ledger_entry_application_seq", entry.c.application, entry.c.seq)
Index("ix_ledger_entry_department_seq", entry.c.department, entry.c.seq)

access = Table(
    "ledger_access",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("resource", Text, primary_key=True),
    Column("provider", Text, nullable=False),
)
Index("ix_ledger_access_resource_seq", access.c.resource, access.c.seq)
Index("ix_ledger_access_provider_seq", access.c.provider, access.c.seq)

node = Table(
    "ledger_node",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", HASH, nullable=False),
)
"""Complete subtrees of the Merkle tree, level 1 and up; level 0 is ``ledger_entry.leaf``. As many as there are integrated entries, at most."""

checkpoint = Table(
    "ledger_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)
"""Signed tree heads, as published. The largest size is how far entries are integrated."""
