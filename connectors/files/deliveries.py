"""The deliveries of an object: which files of the folder they are, and in which order they came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from connectors.files.pattern import Pattern, Stamp, unfinished
from connectors.files.store import Entry, Store

CHINA = timezone(timedelta(hours=8))
MOST_ENTRIES = 100_000
"""Of one folder."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file that was delivered."""

    entry: Entry
    stamp: Stamp

    @property
    def rank(self) -> tuple[date, int, int]:
        """By which the newest is greatest: the name's date and number, then the time of its last change."""
        return self.stamp.date or date.min, self.stamp.number, self.entry.modified

    @property
    def identity(self) -> str:
        """The same for the same file as long as it is not changed."""
        return f"{self.entry.name}|{self.entry.size}|{self.entry.modified}"

    def early(self) -> bool:
        """The name's date has not come, in China; tomorrow's has, since deliveries are made the evening before."""
        return self.stamp.date is not None and self.stamp.date > datetime.now(CHINA).date() + timedelta(days=1)

    @property
    def moment(self) -> datetime:
        """The state of the data: the beginning of the name's day in China, else the last change; in UTC."""
        if self.stamp.date is not None:
            return datetime.combine(self.stamp.date, time.min, CHINA).astimezone(UTC)
        return datetime.fromtimestamp(self.entry.modified / 1e9, UTC).replace(microsecond=0)


def deliveries(store: Store, pattern: Pattern) -> list[Delivery]:
    """All of them, newest first."""
    return sorted(_found(store, pattern, "", 0, Stamp()), key=lambda each: (each.rank, each.entry.name), reverse=True)


def _found(store: Store, pattern: Pattern, folder: str, level: int, stamp: Stamp) -> Iterator[Delivery]:
    last = level == len(pattern.parts) - 1
    for place, entry in enumerate(store.entries(folder)):
        if place >= MOST_ENTRIES:
            raise OSError(f"more than {MOST_ENTRIES} entries in one folder")
        name = entry.name.rpartition("/")[2]
        matched = None if unfinished(name) else pattern.match(level, name)
        if matched is None or entry.folder is last:
            continue
        known = matched if matched.date else stamp
        if last:
            yield Delivery(entry, known)
        else:
            yield from _found(store, pattern, entry.name, level + 1, known)


def marked(store: Store, delivery: Delivery, marker: str) -> bool:
    """The writer has put the file that says that the delivery is whole: its name with the marker behind it."""
    folder, _, _ = delivery.entry.name.rpartition("/")
    return any(entry.name == delivery.entry.name + marker for entry in store.entries(folder))
