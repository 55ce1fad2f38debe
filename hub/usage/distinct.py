"""Counting distinct subjects without holding an object for each: a city asks about millions of people in a day."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable

FEW = 512
"""So many are held in a set: most lines of a day have fewer."""
_SHARDS, _SHIFT = 256, 56
"""Tables that grow one by one, so that no call waits for all to be made anew; the highest byte, -128 to 127, is a table's place."""
_SMALLEST = 16
_EMPTY = bytes(8)


class Distinct:
    """How many different texts, or tuples of texts, there are, told apart by 64 bits: SipHash, Python's hash of texts.

    Tables with open addressing take 12 to 24 bytes for each where there are thousands; fewer are held as a set would, in some 100.

    Of n texts two that differ are taken for one with a probability of n² / 2⁶⁵: among ten million 3 · 10⁻⁶.
    """

    __slots__ = ("_count", "_few", "_room", "_tables")

    def __init__(self) -> None:
        self._few: set[int] = set()
        self._tables: list[array[int]] = []
        self._room: list[int] = []
        """How many a table takes until it grows: it is full by two thirds then."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def copy(self) -> Distinct:
        """The same, to go on by itself."""
        made = Distinct()
        made._few, made._tables = self._few.copy(), [table[:] for table in self._tables]
        made._room, made._count = self._room[:], self._count
        return made

    def add(self, some: Iterable[Hashable]) -> int:
        """Adds some; how many of them were new."""
        return self.put(map(hash, some))

    def having(self, wanted: Callable[[int], bool]) -> Distinct:
        """Those whose marks are wanted, to go on by themselves."""
        made = Distinct()
        for held in (self._few, *self._tables):
            made.put(mark for mark in held if mark and wanted(mark))
        return made

    def put(self, marks: Iterable[int]) -> int:
        """Adds some by their marks, ``hash`` of each; how many of them were new."""
        before = self._count
        if self._tables:
            self._count += self._put(marks)
        else:
            self._few.update(marks)
            self._count = len(self._few)
            if self._count > FEW:
                self._spread()
        return self._count - before

    def _spread(self) -> None:
        self._tables = [array("q", _EMPTY * _SMALLEST) for _ in range(_SHARDS)]
        self._room = [_room(_SMALLEST)] * _SHARDS
        marks, self._few = self._few, set()
        self._count = self._put(marks)

    def _put(self, marks: Iterable[int]) -> int:
        tables, room, new = self._tables, self._room, 0
        for mark in marks:
            # 0 marks a place that is free.
            mark = mark or 1
            table = tables[mark >> _SHIFT]
            last = len(table) - 1
            at = mark & last
            while held := table[at]:
                if held == mark:
                    break
                at = at + 1 & last
            else:
                table[at] = mark
                new += 1
                shard = mark >> _SHIFT
                room[shard] -= 1
                if not room[shard]:
                    self._grow(shard)
        return new

    def _grow(self, shard: int) -> None:
        old = self._tables[shard]
        size = 2 * len(old)
        last, table = size - 1, array("q", _EMPTY * size)
        for mark in filter(None, old):
            at = mark & last
            while table[at]:
                at = (at + 1) & last
            table[at] = mark
        self._tables[shard], self._room[shard] = table, _room(size) - _room(len(old))


def _room(size: int) -> int:
    return size * 2 // 3
