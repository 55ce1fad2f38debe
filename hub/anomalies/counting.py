"""Entries of the ledger → what each application did in each hour: a pure function of the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from hub.anomalies.estimated import Estimated, marks_of
from hub.store.base import CHINA, now
from hub.usage.roll import SERVED, day_of

Entry = Mapping[str, Any]
_BY_LIMITS = frozenset({"RATE_LIMITED", "QUOTA_EXCEEDED", "VERIFICATION_BUDGET"})
"""Refusals by limits that have alerts of their own; a throttle's are among them."""
_LOOK_UPS = frozenset({"query", "verify"})


@dataclass(slots=True)
class Counts:
    """What an application did in an hour, with one resource or with all."""

    calls: int = 0
    rows: int = 0
    misses: int = 0
    refusals: int = 0
    subjects: Estimated = field(default_factory=Estimated)
    sets: dict[str, int] = field(default_factory=dict)
    """Of exchanges: digests and sizes."""

    def values(self) -> dict[str, int]:
        """The figures, by the names of ``hub.anomalies.tables.COUNTS``."""
        subjects = len(self.subjects) + sum(self.sets.values())
        return {"calls": self.calls, "rows": self.rows, "subjects": subjects, "misses": self.misses, "refusals": self.refusals}


@dataclass(slots=True)
class ApplicationHour:
    """One application's hour. ``first`` and ``last``: numbers of its entries."""

    department: str = ""
    whole: Counts = field(default_factory=Counts)
    resources: dict[str, Counts] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Refusals by code and resource."""
    operators: Counter[str] = field(default_factory=Counter)
    """Look-ups and verifications that were served, by operator."""
    first: int = -1
    last: int = -1

    def add(self, seq: int, entry: Entry) -> None:
        """Adds an entry of this application and hour."""
        self.department = entry["department"] or ""
        self.first = seq if self.first < 0 else self.first
        self.last = seq
        if entry["outcome"] in ("REFUSED", "FAILED"):
            self._refuse(entry)
            return
        if entry["kind"] == "call" and entry["operation"] in _LOOK_UPS and entry["operator"]:
            self.operators[entry["operator"]] += 1
        self.whole.calls += 1
        for access in entry["accesses"]:
            counts = self.resources.get(access["resource"])
            if counts is None:
                counts = self._begun(access["resource"])
            counts.calls += 1
            _add_access(self.whole, entry, access)
            _add_access(counts, entry, access)
            marks = counts.subjects.add(marks_of(access["subjects"]))
            if self.whole.subjects is not counts.subjects:
                self.whole.subjects.add(marks)

    def _begun(self, resource: str) -> Counts:
        """The counts of a further resource. Whom one resource alone concerns is counted once for it and for all."""
        counts = self.resources[resource] = Counts()
        if len(self.resources) == 1:
            counts.subjects = self.whole.subjects
        elif len(self.resources) == 2:
            self.whole.subjects = self.whole.subjects.copy()
        return counts

    def _refuse(self, entry: Entry) -> None:
        code = entry["code"] or ""
        if entry["outcome"] != "REFUSED" or code in _BY_LIMITS:
            return
        self.whole.refusals += 1
        for resource in [access["resource"] for access in entry["accesses"]] or [""]:
            self.refused[code, resource] += 1


def _add_access(counts: Counts, entry: Entry, access: Mapping[str, Any]) -> None:
    counts.rows += access["rows"]
    if several := access.get("subjectSet"):
        counts.sets[several["digest"]] = several["count"]
    counts.misses += entry["operation"] == "query" and entry["outcome"] in SERVED and not access["rows"] and len(access["subjects"])


def is_use(entry: Entry) -> bool:
    """Whether an entry is use by an application: no administration, not the public's."""
    return bool(entry["application"]) and day_of(entry) is not None


@lru_cache(maxsize=4096)
def _hour_of(hour: str) -> str:
    return hour_text(datetime.fromisoformat(f"{hour}:00:00+00:00"))


def hour_of(entry: Entry) -> str:
    """The Beijing hour of an entry."""
    return _hour_of(entry["at"][:13])


def hour_text(moment: datetime) -> str:
    """The Beijing hour of a moment, ``2026-03-05T09``."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%dT%H")


def hour_now() -> str:
    """The present Beijing hour."""
    return _hour_since_1970(int(now().timestamp()) // 3600)


@lru_cache(maxsize=4)
def _hour_since_1970(hours: int) -> str:
    return hour_text(datetime.fromtimestamp(hours * 3600, CHINA))


def end_of(hour: str) -> datetime:
    """The moment at which a Beijing hour ends."""
    return datetime.fromisoformat(f"{hour}:00:00+08:00") + timedelta(hours=1)
