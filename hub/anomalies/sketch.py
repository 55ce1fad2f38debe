"""Whether identifiers run through a sequence, judged where they are known and without keeping them: bounded, in memory, by keyed hashes."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence

from hub.anomalies.structure import structure

CELL = 8
"""Numbers of a sequence are put into cells of so many; those of one cell and of neighbouring cells are close. Several nodes each see a part of what
is asked for, and some step over some."""
MOST_IDENTIFIERS = 4096
"""Of one application, resource and kind, the latest."""
MOST_SKETCHES = 256
MOST_WAITING = 65_536
"""Counts that wait to be added up; what is beyond is not counted."""
Key = tuple[str, str, str]
"""Application, resource, kind of identifier."""


class Sketch:
    """What one application asked for lately of one resource. An identifier becomes a number per sequence: a keyed hash of what stands still, plus what counts on."""

    __slots__ = ("_cells", "_key", "_seen")

    def __init__(self, key: str) -> None:
        self._key = key
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._cells: OrderedDict[int, None] = OrderedDict()

    def add(self, sequences: Sequence[tuple[str, int]]) -> bool | None:
        """Whether an identifier of these sequences is close to an earlier one; ``None`` where it was asked for before, or is in no sequence."""
        if not sequences:
            return None
        # The interpreter's own hash of texts is SipHash under a key of the process; nothing of it leaves the process.
        hashed = [hash(self._key + still) for still, _ in sequences]
        if (place := hashed[0] + sequences[0][1]) in self._seen:
            return None
        held, near = self._cells, False
        _keep(self._seen, place)
        for start, (_, number) in zip(hashed, sequences, strict=True):
            cell = start + number // CELL
            near = near or cell in held or cell + 1 in held or cell - 1 in held
            _keep(held, cell)
        return near


class Sketches:
    """The sketches of this process, and what was counted since it was last taken. Used in the event loop alone; forgets with every day."""

    def __init__(self) -> None:
        self._key = secrets.token_hex(16)
        self._day = ""
        self._sketches: OrderedDict[Key, Sketch] = OrderedDict()
        self._counts: dict[tuple[Key, str], list[int]] = {}

    def note(self, application: str, asked: Sequence[tuple[str, str]], hour: str) -> int:
        """Counts identifiers by resource, asked for in an hour (``2026-03-05T09``); how many were close to another."""
        if self._day != hour[:10]:
            self._day, self._key, self._sketches = hour[:10], secrets.token_hex(16), OrderedDict()
        total = 0
        for resource, value in asked:
            found = structure(value)
            key = (application, resource, found.kind)
            near = self._sketch(key).add(found.sequences)
            if near is not None and (counts := self._waiting(key, hour)) is not None:
                counts[0] += 1
                counts[1] += near
                total += near
        return total

    def take(self) -> dict[tuple[Key, str], list[int]]:
        """Identifiers and close ones by key and hour since the last time."""
        taken, self._counts = self._counts, {}
        return taken

    def give_back(self, counts: dict[tuple[Key, str], list[int]]) -> None:
        """What was taken and could not be added up."""
        for (key, hour), (asked, near) in counts.items():
            if (waiting := self._waiting(key, hour)) is not None:
                waiting[0] += asked
                waiting[1] += near

    def _waiting(self, key: Key, hour: str) -> list[int] | None:
        if len(self._counts) >= MOST_WAITING and (key, hour) not in self._counts:
            return None
        return self._counts.setdefault((key, hour), [0, 0])

    def _sketch(self, key: Key) -> Sketch:
        found = self._sketches.get(key)
        if found is None:
            found = self._sketches[key] = Sketch(self._key)
            if len(self._sketches) > MOST_SKETCHES:
                self._sketches.popitem(last=False)
        else:
            self._sketches.move_to_end(key)
        return found


def _keep(held: OrderedDict[int, None], what: int) -> None:
    held[what] = None
    if len(held) > MOST_IDENTIFIERS:
        held.popitem(last=False)
