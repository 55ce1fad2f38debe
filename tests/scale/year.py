"""A made-up year of a city's ledger: which department's application asked which resource of whom, when, why and with what end. The same seed, the same year."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from itertools import accumulate

from hub.ledger.entry import Access, EntryDraft, Item, Outcome, SourceState, SubjectSet

BEIJING = timezone(timedelta(hours=8))
FIRST_DAY = datetime(2025, 1, 1, tzinfo=BEIJING)
DEPARTMENTS, RESOURCES_EACH, APPLICATIONS = 60, 5, 200
PEOPLE = 1_000_000
PURPOSES = tuple(
    (f"p{n:02}", scenario) for n, scenario in enumerate(("住房保障", "低保审核", "入学报名", "不动产登记", "企业开办", "公积金提取", "医保报销", "养老资格"))
)
_BY_HOUR = (1, 1, 1, 1, 1, 1, 2, 5, 40, 90, 100, 80, 20, 40, 95, 100, 85, 50, 10, 5, 3, 2, 1, 1)
"""How busy an hour is, of a working day."""
_WEEKEND = 0.08
_CODES = ("FORBIDDEN", "PURPOSE_NOT_GRANTED", "QUOTA_EXCEEDED", "BAD_INPUT", "SOURCE_UNAVAILABLE")


def department(n: int) -> str:
    """Code of a department."""
    return f"dept{n:02}"


def resource(n: int) -> tuple[str, str]:
    """(provider, code) of a resource."""
    provider = department(n // RESOURCES_EACH)
    return provider, f"{provider}.r{n % RESOURCES_EACH}"


def application(n: int) -> tuple[str, str]:
    """(department, client id) of an application."""
    return department(n * 7 % DEPARTMENTS), f"app_{n:03}"


@dataclass(frozen=True)
class Pair:
    """An application with a grant on a resource."""

    application: int
    resource: int
    grant: str
    purpose: int


@dataclass(frozen=True)
class Shape:
    """What becomes of a call."""

    operation: str
    outcome: Outcome
    rows: int


SHAPES: dict[Shape, int] = {
    Shape("query", "OK", 1): 620,
    Shape("query", "OK", 20): 60,
    Shape("verify", "OK", 1): 265,
    Shape("query", "PARTIAL", 1): 5,
    Shape("exchange", "OK", 50_000): 5,
    Shape("query", "REFUSED", 0): 35,
    Shape("query", "FAILED", 0): 10,
}
"""Calls of a thousand."""


class Year:
    """``calls`` entries of 365 days, in the order of time. Few pairs are busy, many are idle: their weights fall like 1/rank."""

    def __init__(self, calls: int, seed: int = 2025) -> None:
        self.calls = calls
        self._random = draw = random.Random(seed)
        resources = DEPARTMENTS * RESOURCES_EACH
        self.pairs = [Pair(n % APPLICATIONS, draw.randrange(resources), f"{n + 1}", draw.randrange(len(PURPOSES))) for n in range(APPLICATIONS * 4)]
        self._weights = list(accumulate(1 / rank for rank in range(1, len(self.pairs) + 1)))
        self._items = {n: tuple(Item(f"i{k}", "clear" if k % 3 else "masked", None if k % 3 else "NAME@1") for k in range(2 + n % 6)) for n in range(resources)}

    def drafts(self) -> Iterator[EntryDraft]:
        """The entries."""
        for number, at, pair, shape in self.calls_made():
            yield self.draft(number, at, pair, shape)

    def calls_made(self) -> Iterator[tuple[int, datetime, Pair, Shape]]:
        """(number, moment, who asked for what, what became of it) of each."""
        done, seen, shares = 0, 0.0, self._shares()
        whole = sum(share for _, share in shares)
        shapes, odds = list(SHAPES), list(accumulate(SHAPES.values()))
        for hour, share in shares:
            seen += share
            count = round(self.calls * seen / whole) - done
            seconds = sorted(self._random.random() * 3600 for _ in range(count))
            pairs = self._random.choices(self.pairs, cum_weights=self._weights, k=count)
            fates = self._random.choices(shapes, cum_weights=odds, k=count)
            for number, (second, pair, shape) in enumerate(zip(seconds, pairs, fates, strict=True), done):
                yield number, hour + timedelta(seconds=second), pair, shape
            done += count

    def _shares(self) -> list[tuple[datetime, float]]:
        hours = [FIRST_DAY + timedelta(hours=n) for n in range(365 * 24)]
        return [(hour.astimezone(UTC), _BY_HOUR[hour.hour] * (_WEEKEND if hour.weekday() > 4 else 1.0) * (0.7 + hour.month / 20)) for hour in hours]

    def draft(self, number: int, at: datetime, pair: Pair, shape: Shape) -> EntryDraft:
        """One entry."""
        draw, rows, outcome = self._random, shape.rows, shape.outcome
        consumer, client = application(pair.application)
        provider, code = resource(pair.resource)
        purpose, scenario = PURPOSES[pair.purpose]
        many = shape.operation == "exchange"
        subjects = () if many else tuple(subject(draw.randrange(PEOPLE)) for _ in range(rows))
        access = Access(
            code,
            provider,
            f"{provider}.db",
            self._items[pair.resource] if rows else (),
            rows,
            subjects,
            pair.grant,
            "王五",
            "f" * 32,
            SubjectSet(rows, sha256(str(number).encode()).hexdigest()) if many else None,
        )
        return EntryDraft(
            kind="exchange" if many else "call" if rows else "deny",
            call=f"call_{int(at.timestamp() * 1000):011x}{number:016x}",
            outcome=outcome,
            at=at,
            operation=shape.operation,
            medium="FILE" if many else "INTERFACE",
            application=client,
            department=consumer,
            operator=f"工号{draw.randrange(40):03}",
            case=f"2025-{number % 9973}",
            purpose=purpose,
            scenario=scenario,
            basis="政务数据共享条例第十八条",
            approver="王五",
            accesses=(access,),
            document=sha256(code.encode()).hexdigest(),
            rows=rows,
            bytes=180 * rows,
            code=None if outcome == "OK" else "SOURCE_VALUE" if outcome == "PARTIAL" else draw.choice(_CODES),
            sources=(SourceState(f"{provider}.db", "OK", 3, at - timedelta(minutes=draw.randrange(600))),) if rows else (),
            trace=f"{number:032x}",
            ms=draw.choice((4, 5, 6, 8, 12, 25, 70)) + (90_000 if many else 0),
        )


def subject(person: int) -> str:
    """A person as entries name one."""
    return sha256(b"p%d" % person).hexdigest()[:32]
