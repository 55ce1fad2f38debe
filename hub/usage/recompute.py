"""The audit of the figures: each day counted again from the log, compared with the stored rows and with the entry that anchors them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from hub.usage import tables
from hub.usage.figures import NAMES
from hub.usage.log import anchors, entries_of_day, is_whole
from hub.usage.roll import DayRoll, Entry, Row, day_of, digest
from hub.usage.rulebook import UsageRules, Version
from hub.usage.store import read_rows, state_of

MOST = 20
"""Differences that are told of one day."""


@dataclass(slots=True)
class DayCheck:
    """What a day's audit found: ``OK``, ``OPEN`` (equal, and not closed yet), ``ARCHIVED`` (the log does not hold its entries any more) or ``DIFFERS``."""

    day: date
    state: str
    rows: int = 0
    sha256: str = ""
    anchor: int | None = None
    """Number of the entry that anchors it."""
    differences: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "day": self.day.isoformat(),
            "state": self.state,
            "rows": self.rows,
            "sha256": self.sha256,
            "anchor": self.anchor,
            "differences": self.differences,
        }


def recompute(connection: Connection, rules: UsageRules, since: date, until: date) -> Iterator[DayCheck]:
    """Audits each day from ``since`` to ``until`` that has figures or usage in the log, one day in memory at a time.

    Entries that are not rolled up yet are left aside. Pass a transaction that sees one moment (``hub.store.engine.reading``).
    """
    end = connection.execute(select(tables.position.c.seq)).scalar() or 0
    anchored = anchors(connection, since)
    day = since
    while day <= until:
        version = rules.on(day)
        check = _check(connection, day, version, end, anchored.get(day))
        if check is not None:
            yield check
        day = date.fromordinal(day.toordinal() + 1)


def _check(connection: Connection, day: date, version: Version, end: int, anchor: Entry | None) -> DayCheck | None:
    known = state_of(connection, day)
    stored = read_rows(connection, day)
    if not is_whole(connection, day):
        made = stored
    else:
        roll = DayRoll(day, version)
        for entry in entries_of_day(connection, day, end):
            if day_of(entry) is not None:
                roll.add(entry)
        made = roll.rows()
    if known is None and not stored and not made and anchor is None:
        return None
    sha256 = digest(day, version, made)
    archived = made is stored
    differences = [*_anchored(known, anchor, sha256, version, archived), *_rows_differ(stored, made)]
    state = "DIFFERS" if differences else "ARCHIVED" if archived else "OPEN" if known is not None and not known["closed"] else "OK"
    return DayCheck(day, state, len(made), sha256, anchor["seq"] if anchor else None, differences[:MOST])


def _anchored(known: Mapping[str, Any] | None, anchor: Entry | None, sha256: str, version: Version, archived: bool) -> list[str]:
    """What the day's state and its entry in the log contradict. The entries on archived days may be in the archive themselves."""
    found = []
    if known is None:
        found.append("没有当日的状态 the day's state is missing")
    elif known["sha256"] != sha256:
        found.append(f"状态中的摘要不符 the digest in the state is {known['sha256']}")
    if known is not None and known["rules_sha256"] != version.sha256:
        found.append(f"规则已变更 counted by the rules {known['rules']} {known['rules_sha256'][:16]}, which are now {version.name} {version.sha256[:16]}")
    if (anchor is None and not archived and known is not None and known["closed"]) or (known is None and anchor is not None):
        found.append("状态与日志条目不一致 the day's state and its entry in the log do not go together")
    if anchor is not None and known is not None and known["closed"] and anchor["details"]["sha256"] != sha256:
        found.append(f"日志条目中的摘要不符 the digest in entry {anchor['seq']} is {anchor['details']['sha256']}")
    return found


def _rows_differ(stored: Sequence[Row], made: Sequence[Row]) -> Iterator[str]:
    was, now = ({row.key: row for row in rows} for rows in (stored, made))
    for key in sorted(was.keys() | now.keys()):
        one, other = was.get(key), now.get(key)
        if one != other:
            yield f"{' / '.join(part or '-' for part in key)}: {_told(one, other)}"


def _told(stored: Row | None, made: Row | None) -> str:
    if stored is None:
        return "库中缺少 missing in the database"
    if made is None:
        return "日志中没有 not in the log"
    pairs = zip(NAMES, stored.figures.values(), made.figures.values(), strict=True)
    told = [f"{name} {was} ≠ {now}" for name, was, now in pairs if was != now]
    told += [
        f"{name} {dict(was)} ≠ {dict(now)}"
        for name, was, now in (("codes", stored.codes, made.codes), ("discounts", stored.discounts, made.discounts))
        if was != now
    ]
    return ", ".join(told)
