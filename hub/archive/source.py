"""Archived entries for a verification, read from the folders of archives once and in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hub.archive.files import ArchiveFault, Segment, entries_of, read_list
from hub.ledger.keys import VerifierKey


class ArchiveSource:
    """Bytes of entries by number. What is wrong with a file is kept in ``faults``; its entries are missing then from that place on."""

    def __init__(self, folders: Sequence[Path], log: str, keys: Sequence[VerifierKey]) -> None:
        listed = [(folder, segment) for folder in folders for segment in read_list(folder, log, keys)]
        self._waiting = sorted(listed, key=lambda each: each[1].first)
        self._log = log
        self._present: tuple[Segment, Iterator[tuple[bytes, bytes]], int] | None = None
        self.faults: list[ArchiveFault] = []

    def between(self, first: int, last: int) -> Mapping[int, bytes]:
        """Canonical bytes by number, of those that there are. Numbers must not fall from one call to the next."""
        found: dict[int, bytes] = {}
        seq = first
        while seq <= last:
            if not self._reach(seq):
                seq += 1
                continue
            if (canonical := self._next()) is not None:
                found[seq] = canonical
            seq += 1
        return found

    def finish(self) -> None:
        """Reads the present segment to its end, where its file is compared with the list."""
        while self._present is not None:
            self._next()

    def _reach(self, seq: int) -> bool:
        """Whether the next entry of the present segment is this one."""
        while True:
            if self._present is None:
                while self._waiting and self._waiting[0][1].end <= seq:
                    self._waiting.pop(0)
                if not self._waiting or self._waiting[0][1].first > seq:
                    return False
                folder, segment = self._waiting.pop(0)
                self._present = (segment, entries_of(folder, segment, self._log), segment.first)
            if self._present[2] >= seq:
                return self._present[2] == seq
            self._next()

    def _next(self) -> bytes | None:
        if self._present is None:
            return None
        segment, entries, seq = self._present
        self._present = (segment, entries, seq + 1)
        try:
            canonical = next(entries)[0]
            if seq + 1 == segment.end:
                # One step more compares the whole file with the list.
                next(entries, None)
                self._present = None
        except ArchiveFault as fault:
            self.faults.append(fault)
            self._present = None
            return None
        return canonical
