"""Adds up what processes counted of sequences of identifiers, and has it judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import Connection, Engine, select

from hub.anomalies.alerts import Alerts
from hub.anomalies.detectors import Finding, enumeration
from hub.anomalies.rulebook import AnomalyRules
from hub.anomalies.sketch import Key
from hub.anomalies.store import StoredPast, add_asked, asked_in
from hub.ledger import tables as ledger
from hub.sharing.calendar_service import read_calendar
from hub.sharing.tables import application as applications
from hub.store.engine import reading
from hub.store.turns import writing

Counts = dict[tuple[Key, str], list[int]]


class Adding:
    """The counts of all processes, in the control database. Synchronous, for worker threads."""

    def __init__(self, engine: Engine, rules: AnomalyRules, alerts: Alerts) -> None:
        self._engine = engine
        self._rules = rules
        self._alerts = alerts

    def add(self, counts: Counts) -> None:
        """Adds what one process took from its sketches, in one transaction of its own."""
        with writing(self._engine) as connection:
            add_asked(connection, counts)

    def judge(self, counts: Counts) -> None:
        """Judges the keys of what was added; sums that are over a floor make alerts."""
        for finding in self._findings([key for key, (_, near) in counts.items() if near]):
            self._alerts.report(finding, self._usual(finding))

    def _findings(self, keys: Iterable[tuple[Key, str]]) -> list[Finding]:
        found = []
        with reading(self._engine) as connection:
            for key, hour in keys:
                sums = asked_in(connection, key, hour)
                version = self._rules.on(date.fromisoformat(hour[:10]))
                for rule in version.of_kind("ENUMERATION"):
                    if rule.identifiers != key[2] or key[0] in rule.except_applications or (judged := enumeration(rule, *sums)) is None:
                        continue
                    where = (key[0], _department(connection, key[0]), key[1], "", "identifiers", hour)
                    found.append(Finding(rule, version.name, *where, *judged, *_entries(connection, hour)))
        return found

    def _usual(self, finding: Finding) -> int:
        with reading(self._engine) as connection:
            calendar = read_calendar(connection)
        return StoredPast(self._engine, calendar, finding.application).usual(finding.resource, "calls", finding.hour).median


def _department(connection: Connection, application: str) -> str:
    found = connection.execute(select(applications.c.department).where(applications.c.client_id == application)).scalar()
    return found or ""


def _entries(connection: Connection, hour: str) -> Sequence[int | None]:
    """Entries of the ledger between which the hour's calls lie, as far as they are there."""
    utc = datetime.fromisoformat(f"{hour}:00:00+08:00").astimezone(UTC).isoformat(timespec="hours")[:13]
    first = connection.execute(select(ledger.hour.c.first).where(ledger.hour.c.hour == utc)).scalar()
    size = connection.execute(select(ledger.head.c.size)).scalar() or 0
    return first, max(size - 1, 0)
