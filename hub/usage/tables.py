"""Tables of the daily figures. They repeat what the ledger says; whatever stands in them can be recomputed from it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, SmallInteger, Table, Text

from hub.store.base import UtcText, metadata
from hub.usage.figures import NAMES

KEY = ("department", "application", "provider", "resource", "operation", "purpose", "scenario", "medium")
"""By what figures are told apart; empty where the log names none. ``department`` is the consumer's."""

line = Table(
    "usage_line",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),
    *(Column(name, Text, nullable=False) for name in KEY),
)
"""Every combination that was ever called. ``key`` is the SHA-256 of its parts; ``id`` saves room in the other tables and means nothing."""
Index("ix_usage_line_resource", line.c.resource)

day = Table(
    "usage_day",
    metadata,
    Column("day", Text, primary_key=True),
    Column("line", BigInteger, primary_key=True, autoincrement=False),
    *(Column(name, BigInteger, nullable=False) for name in NAMES),
)
"""The figures of a Beijing day and line."""
Index("ix_usage_day_line_day", day.c.line, day.c.day)

code = Table(
    "usage_code",
    metadata,
    Column("day", Text, primary_key=True),
    Column("line", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
)
"""Calls by the error code with which they ended."""

discount = Table(
    "usage_discount",
    metadata,
    Column("day", Text, primary_key=True),
    Column("line", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
)
"""Served calls that are not counted, by the rule that took them."""

state = Table(
    "usage_state",
    metadata,
    Column("day", Text, primary_key=True),
    Column("closed", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("through", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("rules_sha256", Text, nullable=False),
    Column("call", Text),
)
"""What is known of a day: whether it is closed, how often it was (an entry that came late opens it again), the rules that counted it, and the digest
of its rows, which stands in the ledger's entry ``call`` as well. It rests on the log's entries below ``through``."""

position = Table(
    "usage_position",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("at", UtcText, nullable=False),
)
"""How far the log is rolled up, by which process, and when it last said so. Whoever writes figures locks the one row."""
TABLES = (line, day, code, discount, state, position)
