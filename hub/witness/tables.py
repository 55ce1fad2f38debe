"""What the hub keeps of its witnesses: their cosignatures, and since when each was to be asked."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from hub.store.base import UtcText, metadata

cosignature = Table(
    "ledger_cosignature",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("line", Text, nullable=False),
    Column("at", UtcText, nullable=False),
)
"""One signature line under the checkpoint of this size, verified before it was stored. ``witness`` is the verifier key."""
Index("ix_ledger_cosignature_witness_size", cosignature.c.witness, cosignature.c.size)

witness = Table(
    "ledger_witness",
    metadata,
    Column("witness", Text, primary_key=True),
    Column("since", UtcText, nullable=False),
)
"""When a hub first served with this witness among its settings: grace counts from there at the earliest, however often hubs are restarted."""
