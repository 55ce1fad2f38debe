"""Reading the ledger: one entry, and lists for the caller's own calls, a provider's view and the audit administrator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, select

from hub.ledger import tables
from hub.ledger.entry import Entry, Kind, Outcome
from hub.ledger.parsing import parse

MAX_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which entries: all conditions that are set hold together. ``since`` is inclusive, ``until`` exclusive; ``kinds`` empty means every kind."""

    application: str | None = None
    department: str | None = None
    """The consumer's."""
    provider: str | None = None
    resource: str | None = None
    outcome: Outcome | None = None
    call: str | None = None
    kinds: tuple[Kind, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom an entry concerns: only they, and the audit administrator, may ask for its proof."""

    application: str | None
    department: str | None
    providers: frozenset[str]


def entry(connection: Connection, seq: int) -> Entry | None:
    """The entry with this number; ``None`` when there is none.

    Raises:
        ValueError: what is stored is not an entry.
    """
    canonical: bytes | None = connection.execute(select(tables.entry.c.canonical).where(tables.entry.c.seq == seq)).scalar()
    return None if canonical is None else parse(canonical)


def calls(connection: Connection, which: CallFilter, first: int, before: int | None = None) -> list[Entry]:
    """At most ``first`` (1 to ``MAX_PAGE``) entries, newest first, those below the sequence number ``before``.

    Ask for one more than the page shows to learn whether there is a next one; the last ``seq`` is its ``before``.

    Raises:
        ValueError: ``first`` is out of range, or what is stored is not an entry.
    """
    if not 1 <= first <= MAX_PAGE:
        raise ValueError(f"a page has 1 to {MAX_PAGE} entries")
    statement = _matching(which).order_by(tables.entry.c.seq.desc()).limit(first)
    if before is not None:
        statement = statement.where(tables.entry.c.seq < before)
    return [parse(canonical) for canonical in connection.execute(statement).scalars()]


def parties(connection: Connection, seq: int) -> Parties | None:
    """The parties of an entry; ``None`` when there is no such entry."""
    row = connection.execute(select(tables.entry.c.application, tables.entry.c.department).where(tables.entry.c.seq == seq)).one_or_none()
    if row is None:
        return None
    providers = connection.execute(select(tables.access.c.provider).where(tables.access.c.seq == seq)).scalars()
    return Parties(row.application, row.department, frozenset(providers))


def _matching(which: CallFilter) -> Select[tuple[bytes]]:
    column = tables.entry.c
    statement = select(column.canonical)
    for name in ("application", "department", "outcome", "call"):
        if (value := getattr(which, name)) is not None:
            statement = statement.where(column[name] == value)
    if which.kinds:
        statement = statement.where(column.kind.in_(which.kinds))
    if which.since is not None:
        statement = statement.where(column.at >= which.since)
    if which.until is not None:
        statement = statement.where(column.at < which.until)
    if which.provider is not None or which.resource is not None:
        statement = statement.where(column.seq.in_(_touching(which)))
    return statement


def _touching(which: CallFilter) -> Select[tuple[int]]:
    access = tables.access.c
    statement = select(access.seq)
    if which.provider is not None:
        statement = statement.where(access.provider == which.provider)
    if which.resource is not None:
        statement = statement.where(access.resource == which.resource)
    return statement
