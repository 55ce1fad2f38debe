"""Cosignatures in the control database: stored once verified, served with the checkpoints they stand under, counted for the quorum."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.ledger import tables as ledger
from hub.store.base import now
from hub.store.turns import writing
from hub.witness import tables


def register(engine: Engine, witnesses: Sequence[str]) -> None:
    """Notes since when these witnesses are asked; those known before keep their time."""
    with engine.connect() as connection:
        known = set(connection.execute(select(tables.witness.c.witness)).scalars())
    for witness in set(witnesses) - known:
        # Another node may be first.
        with suppress(IntegrityError), writing(engine) as connection:
            connection.execute(insert(tables.witness).values(witness=witness, since=now()))


def save(engine: Engine, size: int, witness: str, line: str) -> None:
    """Stores a verified cosignature; a later one of the same checkpoint takes the place of the one before."""
    table = tables.cosignature
    with suppress(IntegrityError), writing(engine) as connection:
        changed = connection.execute(update(table).where(table.c.size == size, table.c.witness == witness).values(line=line, at=now()))
        if not changed.rowcount:
            connection.execute(insert(table).values(size=size, witness=witness, line=line, at=now()))


def cosigned_sizes(connection: Connection, witnesses: Sequence[str]) -> dict[str, int]:
    """The largest size that each witness has cosigned, of those that have cosigned any."""
    table = tables.cosignature.c
    rows = connection.execute(select(table.witness, func.max(table.size)).where(table.witness.in_(witnesses)).group_by(table.witness))
    return {row[0]: row[1] for row in rows}


def witnessed_size(connection: Connection, witnesses: Sequence[str], quorum: int, beyond: int = -1) -> int | None:
    """The largest size, above ``beyond``, that at least ``quorum`` of these witnesses have cosigned."""
    table = tables.cosignature.c
    chosen = select(table.size).where(table.witness.in_(witnesses), table.size > beyond)
    size: int | None = connection.execute(chosen.group_by(table.size).having(func.count() >= quorum).order_by(table.size.desc()).limit(1)).scalar()
    return size


def cosigned_note(connection: Connection, size: int | None = None) -> str | None:
    """The checkpoint of this size, else the newest, with all cosignatures under it; ``None`` where there is none."""
    of = ledger.checkpoint
    chosen = select(of).order_by(of.c.size.desc()).limit(1) if size is None else select(of).where(of.c.size == size)
    head = connection.execute(chosen).one_or_none()
    if head is None:
        return None
    table = tables.cosignature.c
    lines = connection.execute(select(table.line).where(table.size == head.size).order_by(table.witness)).scalars()
    return str(head.note) + "".join(lines)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the ledger stands with its witnesses."""

    size: int
    """Entries that are published."""
    cosigned: dict[str, int]
    """By witness, the largest size it has cosigned."""
    witnessed: int | None
    """Entries under the newest checkpoint that meets the quorum."""
    waiting_since: datetime | None
    """Since when the oldest entry waits for the quorum; ``None`` where none waits."""


def standing(connection: Connection, witnesses: Sequence[str], quorum: int, beyond: int) -> Standing:
    """The present standing. ``beyond`` is a size known to have met the quorum, or -1: nothing below it is read."""
    size: int | None = connection.execute(select(func.max(ledger.checkpoint.c.size))).scalar()
    found = witnessed_size(connection, witnesses, quorum, beyond)
    witnessed = found if found is not None else (beyond if beyond >= 0 else None)
    at: datetime | None = connection.execute(select(ledger.entry.c.at).where(ledger.entry.c.seq == (witnessed or 0))).scalar()
    since = sorted(connection.execute(select(tables.witness.c.since).where(tables.witness.c.witness.in_(witnesses))).scalars())
    # Before there were as many witnesses as must cosign, nothing could be expected of them.
    enough = since[quorum - 1] if len(since) >= quorum > 0 else None
    waiting = None if at is None else max(at, enough or now())
    return Standing(size or 0, cosigned_sizes(connection, witnesses), witnessed, waiting)
