"""The ledger's tables. Rows are only ever added, but for the one row of ``ledger_head``.

Everything beside ``canonical`` in ``ledger_entry`` and all of ``ledger_access`` repeats what the canonical bytes say, to search by;
``verify.py`` compares them, so foreign keys, which cost every insertion two look-ups, would add nothing.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, SmallInteger, Table, Text, text

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
    Column("key", Text),
)
"""Where the log ends: how many entries and batches it has, the last entry's leaf hash (zeros while empty) and the id of the signing key in force.
Appending locks it."""

key = Table(
    "ledger_key",
    metadata,
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("verifier", Text, nullable=False, unique=True),
    Column("reason", Text, CheckConstraint("reason IN ('FIRST', 'ROTATED', 'LOST')", name="reason"), nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("announced", BigInteger),
    Column("statement", LargeBinary),
    Column("endorsed", BigInteger),
)
"""The log's public keys, from the first (number 0) to the one in force: the first batch that each signs, the entries that announce and endorse it,
and the statement signed over the change."""

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
NO_CALL, NOT_OK = text("kind <> 'call'"), text("outcome <> 'OK'")
"""What is rare, and looked for: indexes of it alone cost a call that is answered nothing. A search repeats these words, for SQLite to see that one fits."""
Index("ix_ledger_entry_kind_seq", entry.c.kind, entry.c.seq, sqlite_where=NO_CALL, postgresql_where=NO_CALL)
Index("ix_ledger_entry_outcome_seq", entry.c.outcome, entry.c.seq, sqlite_where=NOT_OK, postgresql_where=NOT_OK)

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
"""Complete subtrees of the Merkle tree, level 1 and up; level 0 is ``ledger_entry.leaf``, and stands here for entries that were archived and removed."""

checkpoint = Table(
    "ledger_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)
"""Signed tree heads, as published. The largest size is how far entries are integrated."""

hour = Table(
    "ledger_hour",
    metadata,
    Column("hour", Text, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
)
"""Between which numbers the integrated entries of an hour (``2026-11-22T09``, UTC) lie, whatever clocks did: a search by time reads no others."""

archive = Table(
    "ledger_archive",
    metadata,
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Column("file", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("archived_at", UtcText, nullable=False),
    Column("pruned_at", UtcText),
)
"""Segments of the log that were written out. Of those with ``pruned_at`` the entries are no more in ``ledger_entry`` and ``ledger_access``;
their leaf hashes are nodes of level 0 then."""
