"""Ledgers of use whose moments a test chooses, and the parts that watch them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from hub.acts import Acts
from hub.anomalies.alerts import Alerts
from hub.anomalies.history import Historian
from hub.anomalies.rulebook import SHIPPED, AnomalyRules
from hub.anomalies.service import Anomaly, AnomalyService, Wanted
from hub.anomalies.tables import hour
from hub.ledger.entry import EntryDraft
from hub.sharing.workdays import is_working_day
from tests.usage.build import World as Ledger
from tests.usage.build import access, call, refusal
from tests.usage.build import world_in as ledger_in

RULES = AnomalyRules.read(SHIPPED)
FIRST = date(2026, 3, 2)
"""A Monday, from which on thirty days hold the holiday of 清明 not yet."""


@dataclass
class World:
    """A ledger, its clock, and one node that watches it."""

    ledger: Ledger
    rules: AnomalyRules = RULES
    _historian: Historian = field(init=False)

    def __post_init__(self) -> None:
        self._historian = self.historian()

    def historian(self, node: str = "node", **more: Any) -> Historian:
        """A node that counts and judges."""
        alerts = Alerts(self.ledger.engine, self.ledger.service.ledger)
        return Historian(self.ledger.engine, self.rules, node, alerts.report, lease=timedelta(0), **more)

    @property
    def service(self) -> AnomalyService:
        """What administrators do."""
        return AnomalyService(self.ledger.engine, Acts(self.ledger.service.ledger))

    def happen(self, *drafts: EntryDraft) -> list[Anomaly]:
        """Calls are made, and judged; all alerts that there are."""
        if drafts:
            self.ledger.append(*drafts)
        self._historian.run()
        return self.service.find(Wanted(), 200)

    def hours(self) -> dict[tuple[str, str, str], tuple[int, ...]]:
        """What is stored of hours: calls, rows, subjects, misses, refusals."""
        with self.ledger.engine.connect() as connection:
            return {(row[0], row[1], row[2]): tuple(row[3:]) for row in connection.execute(select(hour))}


@contextmanager
def world_in(home: Path, url: str | None = None) -> Iterator[World]:
    """A watched ledger in a directory."""
    with ledger_in(home, url) as ledger:
        yield World(ledger)


def days(begins: date, count: int) -> Iterator[date]:
    """Days one after another."""
    return (begins + timedelta(days=n) for n in range(count))


_CURVE = {8: 0.4, 9: 1.0, 10: 1.0, 11: 0.8, 12: 0.15, 13: 0.3, 14: 0.9, 15: 1.0, 16: 0.8, 17: 0.3, 18: 0.05}
"""Share of the busiest hour's calls, of a counter that is open in office hours."""


@dataclass(frozen=True)
class Office:
    """An application of people at counters: calls an hour when it is busiest, the resources in use, the operators."""

    name: str
    busiest: int
    resources: Sequence[str]
    operators: int = 4
    misses: float = 0.05
    nightly: int = 0
    """Rows of a batch that runs at two in the night."""

    def day(self, chance: random.Random, day: date) -> Iterator[EntryDraft]:
        """An ordinary day with its noise."""
        working = is_working_day(day)
        mood = chance.lognormvariate(0, 0.25)
        if self.nightly:
            taken = access(self.resources[0], rows=round(self.nightly * chance.uniform(0.9, 1.1)), subjects=[])
            yield self._call(chance, day, 2, taken)
        for clock, share in _CURVE.items():
            expected = self.busiest * share * mood * (1 if working else 0.04)
            for _ in range(max(0, round(chance.gauss(expected, expected**0.5 + 0.1 * expected)))):
                yield self._ask(chance, day, clock)
        if chance.random() < 0.3:
            for _ in range(chance.randrange(1, 4)):
                yield self._ask(chance, day, chance.choice([7, 19, 20]))

    def _ask(self, chance: random.Random, day: date, clock: int) -> EntryDraft:
        draw = chance.random()
        if draw < 0.02:
            return refusal(_moment(chance, day, clock), self.name, chance.choice(["FORBIDDEN", "INVALID_DOCUMENT", "PURPOSE_REQUIRED"]))
        resource = chance.choices(self.resources, weights=range(len(self.resources), 0, -1))[0]
        rows = 0 if draw < 0.02 + self.misses else chance.choice([1, 1, 1, 2, 10])
        return self._call(chance, day, clock, access(resource, rows, [chance.randrange(10**6) for _ in range(max(1, rows))]))

    def _call(self, chance: random.Random, day: date, clock: int, taken: Any) -> EntryDraft:
        return call(_moment(chance, day, clock), self.name, taken, operator=f"clerk-{chance.randrange(self.operators)}")


def _moment(chance: random.Random, day: date, clock: int) -> str:
    return (datetime.fromisoformat(f"{day.isoformat()}T{clock:02}:00:00") + timedelta(seconds=chance.randrange(3600))).isoformat()


def city(seed: int, begins: date, count: int, offices: Sequence[Office]) -> Iterator[list[EntryDraft]]:
    """Day by day, what all offices ask, in the order of time."""
    chance = random.Random(seed)
    for day in days(begins, count):
        yield sorted((draft for office in offices for draft in office.day(chance, day)), key=lambda draft: draft.at)
