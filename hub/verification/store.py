"""The tables of budgets, read and written within a transaction that somebody else began."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table, delete, insert, select, tuple_

from hub.store.base import now
from hub.store.turns import writing
from hub.store.upsert import inserting
from hub.verification.limits import WINDOW_DAYS, day_of, days_after
from hub.verification.tables import verification_tally, verified_claim, verified_subject

SWEPT = 5_000
"""Rows of a table that one sweep deletes at most: the ledger waits for it meanwhile."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A consumer's day with a resource. It never goes back: a clock that is set back stays in the latest day that was counted."""

    day: str
    subjects: int = 0
    unmatched: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim by hashes, and the day from which it counts."""

    subject: str
    item: str
    claim: str
    day: str


def read_tally(connection: Connection, consumer: str, resource: str, today: str) -> Tally:
    """The day that counts now."""
    table = verification_tally.c
    mine = (table.consumer == consumer) & (table.resource == resource) & (table.day >= today)
    found = connection.execute(select(table.day, table.subjects, table.unmatched, table.misses).where(mine).order_by(table.day.desc()).limit(1)).first()
    return Tally(*found) if found else Tally(today)


def add_to_tally(connection: Connection, consumer: str, resource: str, tally: Tally) -> None:
    """Adds the counts to the day's."""
    names = ("subjects", "unmatched", "misses")
    statement = inserting(connection, verification_tally).values(consumer=consumer, resource=resource, day=tally.day, **{n: getattr(tally, n) for n in names})
    added = {name: verification_tally.c[name] + statement.excluded[name] for name in names}
    connection.execute(statement.on_conflict_do_update(index_elements=list(verification_tally.primary_key.columns), set_=added))


def read_claims(connection: Connection, consumer: str, resource: str, subjects: Collection[str], day: str) -> list[Claim]:
    """What was claimed of these subjects within the window that ends with the day."""
    table = verified_claim.c
    mine = (table.consumer == consumer) & (table.resource == resource) & table.subject.in_(sorted(subjects))
    columns = select(table.subject, table.item, table.claim, table.day)
    return [Claim(*row) for row in connection.execute(columns.where(mine, table.day > days_after(day, -WINDOW_DAYS)))]


def add_claims(connection: Connection, consumer: str, resource: str, claims: Iterable[Claim]) -> None:
    """Counts claims from their day on; one of before the window counts anew."""
    rows = [{"consumer": consumer, "resource": resource, "subject": c.subject, "item": c.item, "claim": c.claim, "day": c.day} for c in claims]
    if rows:
        statement = inserting(connection, verified_claim)
        keys = list(verified_claim.primary_key.columns)
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"day": statement.excluded.day}), rows)


def unseen(connection: Connection, consumer: str, resource: str, subjects: Collection[str], day: str) -> set[str]:
    """Those of the subjects that were not verified on the day."""
    table = verified_subject.c
    mine = (table.consumer == consumer) & (table.resource == resource) & (table.day == day) & table.subject.in_(sorted(subjects))
    return set(subjects) - set(connection.execute(select(table.subject).where(mine)).scalars())


def add_subjects(connection: Connection, consumer: str, resource: str, subjects: Collection[str], day: str) -> None:
    """Notes subjects as verified."""
    if subjects:
        connection.execute(insert(verified_subject), [{"consumer": consumer, "resource": resource, "day": day, "subject": s} for s in sorted(subjects)])


def forget(engine: Engine) -> None:
    """Deletes what counts no more, a part at a time; a day is kept so that clocks of several hubs may differ."""
    today = day_of(now())
    for table, days in ((verified_claim, WINDOW_DAYS + 1), (verified_subject, 1), (verification_tally, 1)):
        _forget(engine, table, days_after(today, -days))


def _forget(engine: Engine, table: Table, before: str) -> None:
    keys = list(table.primary_key.columns)
    old = select(*keys).where(table.c.day < before).limit(SWEPT)
    with engine.connect() as connection:
        if connection.execute(old.limit(1)).first() is None:
            return
    with writing(engine) as connection:
        connection.execute(delete(table).where(tuple_(*keys).in_(old)))
