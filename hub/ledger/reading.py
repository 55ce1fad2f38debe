"""Reading the ledger: one entry, its parties, and pages of entries."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from hub.ledger import tables
from hub.ledger.entry import Entry
from hub.ledger.matching import CallFilter as CallFilter
from hub.ledger.parsing import parse
from hub.ledger.search import search

MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom an entry concerns: only they, and the audit administrator, may ask for its proof."""

    application: str | None
    department: str | None
    providers: frozenset[str]


def entry(connection: Connection, seq: int) -> Entry | None:
    """The entry with this number; ``None`` when there is none, or when it is in the archive alone.

    Raises:
        ValueError: what is stored is not an entry.
    """
    canonical: bytes | None = connection.execute(select(tables.entry.c.canonical).where(tables.entry.c.seq == seq)).scalar()
    return None if canonical is None else parse(canonical)


def calls(connection: Connection, which: CallFilter, first: int, before: int | None = None) -> list[Entry]:
    """At most ``first`` (1 to ``MAX_PAGE``) entries, newest first, those below the sequence number ``before``, however many must be looked at.

    Ask for one more than the page shows to learn whether there is a next one; the last ``seq`` is its ``before``.

    Raises:
        ValueError: ``first`` is out of range, or what is stored is not an entry.
    """
    if not 1 <= first <= MAX_PAGE:
        raise ValueError(f"a page has 1 to {MAX_PAGE} entries")
    return search(connection, which, first, before, most=None).entries


def parties(connection: Connection, seq: int) -> Parties | None:
    """The parties of an entry; ``None`` when there is no such entry, or when it is in the archive alone."""
    row = connection.execute(select(tables.entry.c.application, tables.entry.c.department).where(tables.entry.c.seq == seq)).one_or_none()
    if row is None:
        return None
    providers = connection.execute(select(tables.access.c.provider).where(tables.access.c.seq == seq)).scalars()
    return Parties(row.application, row.department, frozenset(providers))
