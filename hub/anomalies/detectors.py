"""The detectors: pure functions of an hour's counts and of what is usual."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Protocol

from hub.anomalies.baseline import Usual
from hub.anomalies.counting import ApplicationHour
from hub.anomalies.rulebook import Rule, Version

_NIGHT = range(6)
"""Hours at which nobody is presumed to work, of whom too little is known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something unusual: ``observed`` is more than ``expected``. ``first`` and ``last``: entries between which it lies, ``None`` where not known."""

    rule: Rule
    version: str
    application: str
    department: str
    resource: str
    operator: str
    measure: str
    hour: str
    observed: int
    expected: int
    first: int | None
    last: int | None


class Past(Protocol):
    """An application's history."""

    def usual(self, resource: str, measure: str, hour: str) -> Usual:
        """What is usual of a resource, or with an empty one of all."""

    def resources(self, hour: str) -> frozenset[str]:
        """The resources that it used before the hour."""

    def since(self) -> date | None:
        """Its first day."""


@dataclass(frozen=True, slots=True)
class Judging:
    """One application's hour under one version of the rules. What lies below a rule's floor asks for no history."""

    version: Version
    application: str
    hour: str
    counts: ApplicationHour
    past: Past

    def findings(self) -> Iterator[Finding]:
        """Whatever a rule finds unusual, but for enumeration, which the log cannot tell."""
        for rule in self.version.rules:
            if self.application in rule.except_applications:
                continue
            match rule.kind:
                case "VOLUME":
                    yield from self._volume(rule)
                case "HOURS":
                    yield from self._hours(rule)
                case "NEW_RESOURCES":
                    yield from self._new_resources(rule)
                case "REFUSALS":
                    yield from self._refusals(rule)
                case "OPERATOR":
                    yield from self._operators(rule)
                case "ENUMERATION":
                    pass

    def _volume(self, rule: Rule) -> Iterator[Finding]:
        measure = str(rule.measure)
        for resource, counts in self.counts.resources.items():
            yield from self._above(rule, resource, measure, counts.values()[measure])

    def _refusals(self, rule: Rule) -> Iterator[Finding]:
        if len(self.counts.refused) >= (rule.different or 1):
            yield from self._above(rule, "", "refusals", self.counts.whole.refusals)

    def _above(self, rule: Rule, resource: str, measure: str, observed: int) -> Iterator[Finding]:
        if observed <= rule.floor:
            return
        usual = self.past.usual(resource, measure, self.hour)
        known = usual.days >= (rule.days or 1)
        limit = usual.limit(rule.floor, rule.times or 1, rule.spreads or 1) if known else rule.cold_floor or rule.floor
        if observed > limit:
            yield self._finding(rule, resource, "", measure, observed, limit)

    def _hours(self, rule: Rule) -> Iterator[Finding]:
        observed = self.counts.whole.calls
        if observed <= rule.floor:
            return
        usual = self.past.usual("", "calls", self.hour)
        if usual.days < (rule.days or 1):
            found = observed > (rule.cold_floor or rule.floor) and int(self.hour[-2:]) in _NIGHT
        else:
            found = usual.active * 100 <= (rule.percent or 0) * usual.days
        if found:
            yield self._finding(rule, "", "", "calls", observed, rule.floor)

    def _new_resources(self, rule: Rule) -> Iterator[Finding]:
        if len(self.counts.resources) <= rule.floor:
            return
        since = self.past.since()
        if since is None or (date.fromisoformat(self.hour[:10]) - since).days < (rule.days or 1):
            return
        new = len(self.counts.resources.keys() - self.past.resources(self.hour))
        if new > rule.floor:
            yield self._finding(rule, "", "", "resources", new, rule.floor)

    def _operators(self, rule: Rule) -> Iterator[Finding]:
        for operator, observed in self.counts.operators.items():
            others = [count for name, count in self.counts.operators.items() if name != operator]
            if observed <= rule.floor or len(others) < (rule.different or 1):
                continue
            limit = max(rule.floor, (rule.times or 1) * round(median(others)))
            if observed > limit:
                yield self._finding(rule, "", operator, "calls", observed, limit)

    def _finding(self, rule: Rule, resource: str, operator: str, measure: str, observed: int, limit: int) -> Finding:
        where = (self.application, self.counts.department, resource, operator)
        return Finding(rule, self.version.name, *where, measure, self.hour, observed, limit, self.counts.first, self.counts.last)


def enumeration(rule: Rule, hour: tuple[int, int], day: tuple[int, int]) -> tuple[int, int] | None:
    """What a rule finds of identifiers (asked, close to another) of an hour and of its day: observed and limit, or ``None``."""
    for (asked, near), floor in ((hour, rule.floor), (day, rule.floor_day or rule.floor)):
        if near > floor and near * 100 >= (rule.percent or 1) * asked:
            return near, floor
    return None
