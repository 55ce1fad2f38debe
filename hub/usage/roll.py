"""Entries of the ledger → the rows of a day: a pure function, the same for the hub and for an auditor who has nothing but an export.

Nothing here reads a clock or a database. ``docs/usage.md`` says in words what this module does.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from hub.store.base import CHINA
from hub.usage.counting import Counting, capped
from hub.usage.distinct import Distinct
from hub.usage.figures import NAMES, Figures, bucket_of
from hub.usage.rulebook import UsageRules, Version
from hub.usage.tables import KEY

Entry = Mapping[str, Any]
"""A ledger entry as its canonical JSON says it (``docs/ledger.md``)."""
Key = tuple[str, ...]
"""The values of ``KEY``."""
KINDS = frozenset({"call", "deny", "exchange", "download"})
"""Kinds of entries that are usage. Those of the governance endpoint are administration."""
SERVED = ("OK", "PARTIAL")
_NO_ACCESS: Mapping[str, Any] = {"resource": "", "provider": "", "source": "", "rows": 0, "subjects": ()}
_UNAVAILABLE = frozenset({"TIMEOUT", "OPEN_CIRCUIT", "FAILED"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a day: figures, calls by error code, and served calls by the rule that did not count them."""

    key: Key
    figures: Figures
    codes: Mapping[str, int]
    discounts: Mapping[str, int]

    def canonical(self) -> bytes:
        """The row as RFC 8785 JSON."""
        said = {
            **dict(zip(KEY, self.key, strict=True)),
            **dict(zip(NAMES, self.figures.values(), strict=True)),
            "codes": dict(self.codes),
            "discounts": dict(self.discounts),
        }
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


@dataclass(slots=True)
class _Line:
    figures: Figures = field(default_factory=Figures)
    subjects: Distinct = field(default_factory=Distinct)
    sets: dict[str, int] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    discounts: Counter[str] = field(default_factory=Counter)


class DayRoll:
    """Adds up one day, entry by entry, in the order of the log. Of a line with thousands of subjects it holds 24 bytes at most for each."""

    def __init__(self, day: date, version: Version) -> None:
        self.day = day
        self.version = version
        self._lines: dict[Key, _Line] = {}
        self._counting = Counting(version)

    def add(self, entry: Entry) -> None:
        """Adds an entry of this day that :func:`day_of` names."""
        at = datetime.fromisoformat(entry["at"])
        accesses = entry["accesses"] or (_NO_ACCESS,)
        sources = {state["source"]: state for state in entry["sources"]}
        sizes = _shares(entry["bytes"], [access["rows"] for access in accesses])
        for place, (access, size) in enumerate(zip(accesses, sizes, strict=True)):
            key = _key(entry, access)
            line = self._lines.get(key)
            if line is None:
                # Not by setdefault: a line that is thrown away costs more than what is added to one.
                line = self._lines[key] = _Line()
            line.figures.entries += place == 0
            line.figures.bytes += size
            self._add_access(line, entry, access, at, sources.get(access["source"]))
        self._add_undelivered(entry, accesses)

    def rows(self) -> list[Row]:
        """The day's rows as they stand, by key."""
        taken = capped(self.version, {key: line.figures.counted for key, line in self._lines.items()})
        return [_row(key, self._lines[key], taken.get(key, (None, 0))) for key in sorted(self._lines)]

    def _add_access(self, line: _Line, entry: Entry, access: Mapping[str, Any], at: datetime, source: Mapping[str, Any] | None) -> None:
        figures = line.figures
        figures.calls += 1
        outcome = entry["outcome"].lower()
        setattr(figures, outcome, getattr(figures, outcome) + 1)
        figures.rows += access["rows"]
        line.subjects.add(access["subjects"])
        if several := access.get("subjectSet"):
            line.sets[several["digest"]] = several["count"]
        if entry["code"]:
            line.codes[entry["code"]] += 1
        if source is not None:
            figures.unavailable += source["state"] in _UNAVAILABLE
        if entry["outcome"] in SERVED:
            _add_time(figures, entry)
            _add_age(figures, at, source)
            if access["resource"]:
                rule = self._counting.rule_that_takes(entry, access, at)
                figures.counted += rule is None
                if rule is not None:
                    line.discounts[rule] += 1

    def _add_undelivered(self, entry: Entry, accesses: Sequence[Mapping[str, Any]]) -> None:
        """How many values an exchange could not deliver is known of the whole; it stands at the first resource."""
        count = (entry["details"] or {}).get("undelivered")
        if isinstance(count, int) and not isinstance(count, bool):
            self._lines[_key(entry, accesses[0])].figures.undelivered += count


def day_of(entry: Entry) -> date | None:
    """The Beijing day on which an entry is counted; ``None`` for one that is no usage."""
    if entry["kind"] not in KINDS or (entry["operation"] or "").startswith("governance."):
        return None
    return beijing_day(entry["at"][:13])


@lru_cache(maxsize=4096)
def beijing_day(hour: str) -> date:
    """The Beijing day of an hour in UTC, ``2026-01-31T16``."""
    return datetime.fromisoformat(f"{hour}:00:00+00:00").astimezone(CHINA).date()


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """The moments at which a Beijing day begins and ends."""
    begins = datetime(day.year, day.month, day.day, tzinfo=CHINA)
    return begins, begins + timedelta(days=1)


def roll(entries: Iterable[Entry], rules: UsageRules) -> dict[date, list[Row]]:
    """The rows of every day of these entries, which stand in the order of the log. Whole days in, whole days out."""
    days: dict[date, DayRoll] = {}
    for entry in entries:
        if (day := day_of(entry)) is not None:
            if day not in days:
                days[day] = DayRoll(day, rules.on(day))
            days[day].add(entry)
    return {day: days[day].rows() for day in sorted(days)}


def digest(day: date, version: Version, rows: Iterable[Row]) -> str:
    """SHA-256 (hexadecimal) over a head line and the day's rows, each as RFC 8785 JSON, ended by a newline, in the order of their keys."""
    head = {"day": day.isoformat(), "rules": version.name, "rulesSha256": version.sha256}
    made = hashlib.sha256(orjson.dumps(head, option=orjson.OPT_SORT_KEYS) + b"\n")
    for row in rows:
        made.update(row.canonical() + b"\n")
    return made.hexdigest()


def _key(entry: Entry, access: Mapping[str, Any]) -> Key:
    return (
        entry["department"] or "",
        entry["application"] or "",
        access["provider"] or "",
        access["resource"] or "",
        "download" if entry["kind"] == "download" else entry["operation"] or "",
        entry["purpose"] or "",
        entry["scenario"] or "",
        entry["medium"] or "",
    )


def _shares(size: int, rows: Sequence[int]) -> list[int]:
    """An entry's bytes by the rows of its accesses, rounded down; what is left over stands at the first."""
    if len(rows) == 1:
        return [size]
    total = sum(rows)
    parts = [size * each // total if total else 0 for each in rows]
    parts[0] += size - sum(parts)
    return parts


def _add_time(figures: Figures, entry: Entry) -> None:
    ms = entry.get("ms")
    if ms is None:
        return
    figures.timed += 1
    figures.ms += ms
    figures.ms_max = max(figures.ms_max, ms)
    name = bucket_of(ms)
    setattr(figures, name, getattr(figures, name) + 1)


def _add_age(figures: Figures, at: datetime, source: Mapping[str, Any] | None) -> None:
    if source is None:
        return
    figures.stale += source["state"] == "STALE"
    if source.get("asOf") is None:
        return
    age = max(0, int((at - datetime.fromisoformat(source["asOf"])).total_seconds()))
    figures.aged += 1
    figures.age += age
    figures.age_max = max(figures.age_max, age)


def _row(key: Key, line: _Line, taken: tuple[str | None, int]) -> Row:
    """A copy: the line goes on."""
    figures = Figures.of(line.figures.values())
    figures.subjects = len(line.subjects) + sum(line.sets.values())
    rule, calls = taken
    figures.counted -= calls
    discounts = dict(line.discounts) | ({rule: calls} if rule is not None and calls else {})
    return Row(key, figures, dict(sorted(line.codes.items())), dict(sorted(discounts.items())))
