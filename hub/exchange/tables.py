"""Tables of exchange jobs and their files."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from hub.sharing.tables import application
from hub.store.base import UtcText, metadata

KINDS = ("LIST", "VERIFICATION")
STATES = ("QUEUED", "RUNNING", "PAUSED", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")

exchange = Table(
    "exchange",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application", Text, ForeignKey(application.c.client_id), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("input_sha256", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("variables", Text, nullable=False),
    Column("operation_name", Text),
    Column("format", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("purpose", Text),
    Column("operator", Text),
    Column("case_", Text),
    Column("state", Text, CheckConstraint(f"state IN {STATES}", name="state"), nullable=False),
    Column("reason", Text),
    Column("rows_done", BigInteger, nullable=False),
    Column("rows_total", BigInteger),
    Column("bytes", BigInteger, nullable=False),
    Column("plan", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("snapshot", Integer, nullable=False),
    Column("entry", BigInteger),
    Column("created_at", UtcText, nullable=False),
    Column("finished_at", UtcText),
    Column("expires_at", UtcText),
    Column("node", Text),
    Column("held_until", UtcText),
    Column("kind", Text, CheckConstraint(f"kind IN {KINDS}", name="kind"), nullable=False, server_default="LIST"),
    Column("encoding", Text, nullable=False, server_default="UTF-8"),
    Column("destination", Text),
    Column("upload", Text),
    UniqueConstraint("application", "idempotency_key"),
)
"""One job. ``plan`` is the hash of the document and its columns, ``policy`` the fingerprint of the rights, ``snapshot`` the catalog's number.
``node`` is the server process that runs it; others leave it alone until ``held_until``. ``kind``: a list run to its end, or a verification of each
row of an ``upload``; ``encoding`` is that of texts; ``destination`` is the code of the place it is delivered to besides."""
Index("ix_exchange_application_created_at", exchange.c.application, exchange.c.created_at)

exchange_file = Table(
    "exchange_file",
    metadata,
    Column("exchange", Text, ForeignKey(exchange.c.id), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("sm3", Text),
)
"""The files of a finished job."""

CHUNK_STATES = ("PENDING", "RUNNING", "DONE")
exchange_chunk = Table(
    "exchange_chunk",
    metadata,
    Column("exchange", Text, ForeignKey(exchange.c.id), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, CheckConstraint(f"state IN {CHUNK_STATES}", name="state"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("part", LargeBinary),
    Column("last", LargeBinary),
    Column("name", Text, nullable=False),
    Column("rows", BigInteger),
    Column("bytes", BigInteger),
    Column("sha256", Text),
    Column("sm3", Text),
    Column("undelivered", BigInteger),
    Column("accessed", Text),
    Column("remote", Text),
    Column("reason", Text),
    Column("began_at", UtcText),
    Column("done_at", UtcText),
)
"""The chunks of a job, from 1 on: what is ``DONE`` is on the disk under ``name`` and is never done again. ``part`` is what it reads, ``last`` the place
where it ended: encrypted, for they hold keys of the source. ``accessed`` is a JSON object: resource → rows; ``remote`` an array of
``[source, call, entry]``, the entries of other hubs that were read."""
Index("ix_exchange_chunk_source_state", exchange_chunk.c.source, exchange_chunk.c.state)

DELIVERY_STATES = ("WAITING", "RUNNING", "DELIVERED", "FAILED")
exchange_delivery = Table(
    "exchange_delivery",
    metadata,
    Column("exchange", Text, ForeignKey(exchange.c.id), primary_key=True),
    Column("destination", Text, nullable=False),
    Column("state", Text, CheckConstraint(f"state IN {DELIVERY_STATES}", name="state"), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text),
    Column("place", Text),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("node", Text),
    Column("held_until", UtcText),
    Column("next_at", UtcText),
    Column("began_at", UtcText),
    Column("done_at", UtcText),
    Column("entry", BigInteger),
)
"""The delivery of a finished job to its destination. ``place`` is where it lies there, ``entry`` the ledger's."""
Index("ix_exchange_delivery_state", exchange_delivery.c.state)

exchange_upload = Table(
    "exchange_upload",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application", Text, ForeignKey(application.c.client_id), nullable=False),
    Column("format", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("columns", Text, nullable=False),
    Column("created_at", UtcText, nullable=False),
    Column("expires_at", UtcText, nullable=False),
    Column("disposed_at", UtcText),
)
"""Files that applications brought, to have their rows verified. ``columns`` is a JSON array of names."""
Index("ix_exchange_upload_application_created_at", exchange_upload.c.application, exchange_upload.c.created_at)
