"""Ledgers of usage: days of calls whose moments, parties and subjects a test chooses."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, select

import hub.core  # noqa: F401 - declares every table
from hub.clock import Hand, clock
from hub.ledger import tables as ledger
from hub.ledger.batch import Pending, write
from hub.ledger.canonical import record
from hub.ledger.entry import Access, EntryDraft, SourceState, SubjectSet
from hub.ledger.service import LedgerService
from hub.store.base import metadata
from hub.store.engine import open_engine, reading
from hub.store.turns import writing
from hub.usage.recompute import DayCheck, recompute
from hub.usage.roll import Entry, Row
from hub.usage.roller import Roller
from hub.usage.rulebook import SHIPPED, UsageRules
from hub.usage.store import read_rows

LOG = "hub.example/ledger"
RULES = UsageRules.read(SHIPPED)
_numbers = itertools.count()


@dataclass
class World:
    """A ledger with the tables of usage. Time stands at the moment of the entry that was written last."""

    service: LedgerService
    hand: Hand

    @property
    def engine(self) -> Engine:
        """Its control database."""
        return self.service.engine

    def append(self, *drafts: EntryDraft) -> None:
        """Writes entries and publishes them."""
        with writing(self.engine) as connection:
            write(connection, [Pending(draft, record(draft, LOG)) for draft in drafts], self.service.signer)
        self.hand.set(drafts[-1].at)
        self.service.publisher.publish_all()

    def roller(self, node: str = "node", rules: UsageRules = RULES, **more: Any) -> Roller:
        """A roller of this ledger."""
        return Roller(self.engine, self.service.ledger, rules, node, **more)

    def entries(self) -> list[Entry]:
        """Every entry of the log."""
        with self.engine.connect() as connection:
            return [orjson.loads(each) for each in connection.execute(select(ledger.entry.c.canonical).order_by(ledger.entry.c.seq)).scalars()]

    def checks(self, since: date, until: date, rules: UsageRules = RULES) -> dict[date, DayCheck]:
        """The audit of some days."""
        with reading(self.engine) as connection:
            return {check.day: check for check in recompute(connection, rules, since, until)}

    def rows(self, day: date) -> list[Row]:
        """The stored rows of a day."""
        with self.engine.connect() as connection:
            return read_rows(connection, day)


@contextmanager
def world_in(home: Path, url: str | None = None) -> Iterator[World]:
    """The ledger of a directory, made where it does not exist yet; closed at the end."""
    engine = open_engine(url or f"sqlite:///{home / 'control.db'}")
    metadata.create_all(engine)
    with clock.at(beijing("2026-03-01T00:00:00")) as hand:
        yield World(LedgerService.assemble(engine, home / "keys", LOG), hand)
    engine.dispose()


def beijing(text: str) -> datetime:
    """A moment in Beijing time, ``2026-03-05T23:59:59``."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def subject(number: int) -> str:
    """A keyed hash of a made-up subject."""
    return f"{number:032x}"


def access(resource: str = "civil.person", rows: int = 1, subjects: Sequence[int] = (1,), **more: Any) -> Access:
    """An access to a resource, whose department stands before the dot."""
    provider = resource.partition(".")[0]
    return Access(resource, provider, f"{provider}.db", rows=rows, subjects=tuple(map(subject, subjects)), **more)


def call(at: str, application: str = "housing-app", *accesses: Access, **changed: Any) -> EntryDraft:
    """A query that was served; the application's department stands before the dash."""
    made = EntryDraft(
        kind="call",
        call=f"call-{next(_numbers)}",
        outcome="OK",
        at=beijing(at),
        operation="query",
        medium="INTERFACE",
        application=application,
        department=application.partition("-")[0],
        purpose="rent",
        scenario="公租房资格审核",
        accesses=accesses or (access(),),
        document="d" * 64,
        rows=sum(each.rows for each in accesses or (access(),)),
        bytes=100,
        ms=12,
    )
    return replace(made, **changed)


def refusal(at: str, application: str = "housing-app", code: str = "FORBIDDEN", **changed: Any) -> EntryDraft:
    """A call that was refused."""
    plain: dict[str, Any] = {"kind": "deny", "outcome": "REFUSED", "code": code, "accesses": (), "rows": 0, "bytes": 0, "scenario": None}
    return call(at, application, **{**plain, **changed})


def some_days(seed: int, days: int, a_day: int, begins: date = date(2026, 3, 1)) -> list[EntryDraft]:
    """Calls of several applications on several resources, of every kind and outcome, in an order in which the clock jumps now and then."""
    chance = random.Random(seed)
    resources = ["civil.person", "civil.household", "housing.estate", "tax.payment"]
    made = []
    for day in range(days):
        for minute in sorted(chance.randrange(1440) for _ in range(a_day)):
            at = datetime.combine(begins, time()) + timedelta(days=day, minutes=minute, seconds=chance.randrange(60))
            if chance.random() < 0.02 and day:
                at -= timedelta(hours=chance.randrange(40))
            made.append(_some_call(chance, at.isoformat(), resources))
    return made


def _some_call(chance: random.Random, at: str, resources: Sequence[str]) -> EntryDraft:
    application = chance.choice(["housing-app", "civil-app", "tax-app", "tax-desk"])
    picked = chance.sample(resources, chance.choice([1, 1, 1, 2]))
    accesses = tuple(access(code, rows := chance.randrange(3), [chance.randrange(12) for _ in range(rows)]) for code in picked)
    sources = tuple(
        SourceState(each.source, chance.choice(["OK", "OK", "STALE", "TIMEOUT"]), 3, beijing(at) - timedelta(hours=chance.randrange(50)))
        for each in {each.source: each for each in accesses}.values()
    )
    said: dict[str, Any] = {"ms": chance.choice([None, 3, 30, 400, 40_000]), "sources": sources, "bytes": chance.randrange(1000)}
    said |= {"document": chance.choice("ab") * 64, "purpose": chance.choice(["rent", "check"])}
    kind = chance.randrange(10)
    if kind == 0:
        return refusal(at, application, chance.choice(["FORBIDDEN", "QUOTA_EXCEEDED"]), accesses=chance.choice([(), _without_rows(accesses)]))
    if kind == 1:
        return refusal(at, application, "SOURCE_UNAVAILABLE", outcome="FAILED")
    if kind == 2:
        said |= {"outcome": "PARTIAL", "code": "SOURCE_VALUE"}
    if kind == 3:
        accesses = tuple(replace(each, subjects=(), subject_set=SubjectSet(each.rows, f"{each.rows:064x}")) for each in accesses)
        said |= {"kind": "exchange", "operation": "exchange", "medium": "FILE", "details": {"step": "SUCCEEDED", "undelivered": chance.randrange(3)}}
    if kind == 4:
        return call(at, application, *_without_rows(accesses), kind="download", operation="exchange", medium="FILE", bytes=9000)
    return call(at, application, *accesses, **said)


def _without_rows(accesses: Iterable[Access]) -> tuple[Access, ...]:
    return tuple(replace(each, rows=0, subjects=()) for each in accesses)
