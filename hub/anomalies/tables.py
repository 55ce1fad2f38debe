"""Tables of anomalies. None of them holds an identifier, nor a hash of one."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, SmallInteger, Table, Text, text

from hub.store.base import UtcText, metadata

COUNTS = ("calls", "rows", "subjects", "misses", "refusals")

hour = Table(
    "anomaly_hour",
    metadata,
    Column("application", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("hour", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in COUNTS),
)
"""What an application did in an hour (``2026-03-05T09``, Beijing) with a resource; with an empty ``resource``, with all of them, each call once."""
Index("ix_anomaly_hour_hour", hour.c.hour)

position = Table(
    "anomaly_position",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("at", UtcText, nullable=False),
)
"""How far the log is counted, by which process; the hours that are open begin behind entry ``since``."""

asked = Table(
    "anomaly_asked",
    metadata,
    Column("application", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("hour", Text, primary_key=True),
    Column("asked", BigInteger, nullable=False),
    Column("near", BigInteger, nullable=False),
)
"""Identifiers that were asked for in an hour, each once per process and day, and how many of them lie close to one that was asked for before.
All processes add to it."""
Index("ix_anomaly_asked_hour", asked.c.hour)

anomaly = Table(
    "anomaly",
    metadata,
    Column("id", Text, primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("rule", "version", "kind", "severity", "action", "application", "department")),
    *(Column(name, Text, nullable=False) for name in ("resource", "operator", "measure", "began", "window")),
    Column("observed", BigInteger, nullable=False),
    Column("expected", BigInteger, nullable=False),
    Column("first_entry", BigInteger),
    Column("last_entry", BigInteger),
    Column("state", Text, CheckConstraint("state IN ('OPEN','ACKNOWLEDGED','CONFIRMED','FALSE_ALARM')", name="state"), nullable=False),
    Column("opened_at", UtcText, nullable=False),
    Column("changed_at", UtcText, nullable=False),
    Column("judged_by", Text),
    Column("judged_at", UtcText),
    Column("opinion", Text, CheckConstraint("judged_by IS NULL OR opinion IS NOT NULL", name="judged_with_opinion")),
    Column("per_minute", Integer),
    Column("throttled_resource", Text),
    Column("throttled_until", UtcText),
    Column("released_by", Text),
    Column("released_at", UtcText),
    Column("release_opinion", Text),
)
"""An alert. ``began`` and ``window``: the hours in which it was observed first and last; ``expected``: the limit that was passed; ``first_entry`` and ``last_entry``: entries
of the ledger between which the hour's calls lie. ``per_minute``: calls that a throttled application has left of ``throttled_resource`` (empty: of all), until ``throttled_until`` or a release."""
_pending = text("state IN ('OPEN','ACKNOWLEDGED')")
Index(
    "ix_anomaly_pending",
    *(anomaly.c[name] for name in ("rule", "application", "resource", "operator")),
    unique=True,
    sqlite_where=_pending,
    postgresql_where=_pending,
)
Index("ix_anomaly_application", anomaly.c.application)
Index("ix_anomaly_throttled_until", anomaly.c.throttled_until)
TABLES = (hour, position, asked, anomaly)
