"""The tables of budgets, read and written within a transaction that somebody else began."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table, delete, select, tuple_

from hub.store import plain
from hub.store.base import now
from hub.store.turns import writing
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


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of a consumer's guesses with a resource: its day, which subjects were verified on it, and what was claimed of them in the window."""

    tally: Tally
    seen: frozenset[str]
    claims: tuple[Claim, ...]


_STANDING = """WITH latest AS (
SELECT day, subjects, unmatched, misses FROM verification_tally
WHERE consumer = :consumer AND resource = :resource AND day >= :day ORDER BY day DESC LIMIT 1)
SELECT '' AS subject, '' AS item, '' AS claim, day, subjects, unmatched, misses FROM latest
UNION ALL SELECT subject, '', '', '', 0, 0, 0 FROM verified_subject
WHERE consumer = :consumer AND resource = :resource AND day = coalesce((SELECT day FROM latest), :day) AND subject AMONG :subjects
UNION ALL SELECT subject, item, claim, day, 0, 0, 0 FROM verified_claim
WHERE consumer = :consumer AND resource = :resource AND subject AMONG :subjects AND day > :window"""
_ADD_TALLY = """INSERT INTO verification_tally (consumer, resource, day, subjects, unmatched, misses)
VALUES (:consumer, :resource, :day, :subjects, :unmatched, :misses) ON CONFLICT (consumer, resource, day) DO UPDATE SET
subjects = verification_tally.subjects + excluded.subjects, unmatched = verification_tally.unmatched + excluded.unmatched,
misses = verification_tally.misses + excluded.misses"""
_ADD_CLAIM = """INSERT INTO verified_claim (consumer, resource, subject, item, claim, day)
VALUES (:consumer, :resource, :subject, :item, :claim, :day) ON CONFLICT (consumer, resource, subject, item, claim) DO UPDATE SET day = excluded.day"""
_ADD_SUBJECT = "INSERT INTO verified_subject (consumer, resource, day, subject) VALUES (:consumer, :resource, :day, :subject)"


def read_tally(connection: Connection, consumer: str, resource: str, today: str) -> Tally:
    """The day that counts now."""
    return read_standing(connection, consumer, resource, (), today).tally


def read_standing(connection: Connection, consumer: str, resource: str, subjects: Collection[str], today: str) -> Standing:
    """What stands of these subjects, in one statement; the window ends with the day that counts now."""
    asked = {"consumer": consumer, "resource": resource, "day": today, "window": days_after(today, -WINDOW_DAYS)}
    tally, seen, claims = Tally(today), set(), []
    for subject, item, claim, day, *counts in plain.ask(connection, _STANDING, {**asked, "subjects": plain.among(connection, subjects)}):
        if not subject:
            tally = Tally(day, *counts)
        elif not item:
            seen.add(subject)
        else:
            claims.append(Claim(subject, item, claim, day))
    since = days_after(tally.day, -WINDOW_DAYS)
    return Standing(tally, frozenset(seen), tuple(claim for claim in claims if claim.day > since))


def add_to_tally(connection: Connection, consumer: str, resource: str, tally: Tally) -> None:
    """Adds the counts to the day's."""
    counts = {"day": tally.day, "subjects": tally.subjects, "unmatched": tally.unmatched, "misses": tally.misses}
    plain.write(connection, _ADD_TALLY, [{"consumer": consumer, "resource": resource, **counts}])


def add_claims(connection: Connection, consumer: str, resource: str, claims: Collection[Claim]) -> None:
    """Counts claims from their day on; one of before the window counts anew."""
    if claims:
        rows = [{"consumer": consumer, "resource": resource, "subject": c.subject, "item": c.item, "claim": c.claim, "day": c.day} for c in claims]
        plain.write(connection, _ADD_CLAIM, rows)


def add_subjects(connection: Connection, consumer: str, resource: str, subjects: Collection[str], day: str) -> None:
    """Notes subjects as verified."""
    if subjects:
        plain.write(connection, _ADD_SUBJECT, [{"consumer": consumer, "resource": resource, "day": day, "subject": s} for s in sorted(subjects)])


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
