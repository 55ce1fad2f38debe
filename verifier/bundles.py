"""Verification of bundles: exports and archive segments, against their checkpoint and evidence held elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from verifier.entries import Entry
from verifier.faults import Fault, Refuted
from verifier.held import Held, rewritten
from verifier.lines import CALLS, Header, Line, Lines
from verifier.notes import Policy, Seen
from verifier.proofs import place
from verifier.report import Report
from verifier.texts import shown
from verifier.tree import Growing, extends

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a segment ended: what the next one must continue. ``leaf`` is hexadecimal."""

    log: str
    size: int
    peaks: Sequence[bytes]
    leaf: str | None


class BundleCheck:
    """Verifies one bundle into a report. ``after`` is the tail of the segment before it."""

    def __init__(self, path: Path, policy: Policy, held: Held, report: Report, after: Tail | None = None) -> None:
        self._name = shown(path.name)
        self._policy = policy
        self._held = held
        self._report = report
        self._lines = Lines(path)
        self._after = after
        self._previous: Entry | None = None
        self._whole = True

    @property
    def header(self) -> Header:
        """What the bundle claims to be."""
        return self._lines.header

    def run(self) -> Tail | None:
        """Report what is wrong; the tail of a segment that could be read to its end."""
        header = self._lines.header
        self._report.logs.add(shown(header.log))
        before = len(self._report.findings)
        seen = self._checkpoint(header)
        tail = None
        if header.kind == "segment":
            tail = self._segment(header)
        elif header.form == CALLS:
            self._rows(header)
        else:
            self._extract(header)
        try:
            sealed = self._lines.close(self._policy.keys) if self._whole or header.kind == "extract" else False
        except Fault as fault:
            self._report.find(fault)
            sealed = False
        if len(self._report.findings) == before and seen is not None:
            self._tell(header, seen, sealed)
        return tail

    def _checkpoint(self, header: Header) -> Seen | None:
        try:
            seen = self._policy.confirm(header.note)
        except Fault as fault:
            self._report.find(fault)
            return None
        self._held.face(seen.head, self._report)
        return seen

    def _segment(self, header: Header) -> Tail | None:
        try:
            tree = Growing(header.digest, header.first, list(header.before))
            self._continue(header)
        except Refuted as fault:
            self._report.find(fault)
            return None
        self._held.compare(header.log, tree, self._report)
        for line in self._lines.entries():
            entry = self._take(line)
            if entry is not None:
                tree.add(entry.leaf)
                self._held.compare(header.log, tree, self._report)
        if not self._whole:
            return None
        self._root(header, tree)
        return Tail(header.log, tree.size, tuple(tree.peaks), self._previous.leaf.hex() if self._previous else None)

    def _continue(self, header: Header) -> None:
        """Refutes a segment that does not begin where the one before it ended."""
        after = self._after
        if after is not None and (after.log, after.size, list(after.peaks)) != (header.log, header.first, header.before):
            raise Refuted(
                f"{self._name} 未接续前一段（应自条目 {after.size} 起）",
                f"{self._name} does not continue the segment before it, at entry {after.size}",
                after.size,
            )

    def _take(self, line: Line | Fault) -> Entry | None:
        if isinstance(line, Fault):
            self._report.find(line)
            self._whole, self._previous = False, None
            return None
        entry = line.entry
        self._report.count("entries")
        self._chain(entry)
        self._previous = entry
        self._held.meet(entry, self._report)
        if not entry.known:
            self._report.warn(
                f"条目 {entry.seq} 的格式版本未知，只核验其位置", f"entry {entry.seq} is of a later format; its place is verified, its keys are not"
            )
        return entry

    def _chain(self, entry: Entry) -> None:
        """The entry before, where it is at hand, is the one that this entry continues."""
        expected: str | None = None
        if self._previous is not None and self._previous.seq + 1 == entry.seq:
            expected = self._previous.leaf.hex()
        elif entry.seq == 0:
            expected = GENESIS
        elif self._previous is None and self._after is not None and self._after.size == entry.seq:
            expected = self._after.leaf
        if expected is not None and entry.chain != expected:
            seq = max(entry.seq - 1, 0)
            self._report.find(
                Refuted(f"条目 {entry.seq} 未接续条目 {seq}", f"entry {entry.seq} does not continue the chain of entry {seq}; one of the two is altered", seq)
            )

    def _root(self, header: Header, tree: Growing) -> None:
        roots = (tree.root, header.head.root)
        held = extends(header.digest, tree.size, header.head.size, roots, header.consistency) if tree.size else header.head.size > 0 or roots[0] == roots[1]
        if not header.count and header.head.size != header.first:
            self._report.find(Refuted("没有条目", f"there are no entries in it, and {header.head.size} under its checkpoint", header.first))
        elif not held:
            # An entry found altered already says better where.
            self._report.find(Refuted(*rewritten(header.head.size), header.first if self._report.first is None else None))

    def _extract(self, header: Header) -> None:
        for line in self._lines.entries():
            entry = self._take(line)
            if entry is not None and isinstance(line, Line):
                try:
                    place(header.head, entry.seq, entry.leaf, line.path)
                except Refuted as fault:
                    self._report.find(fault)

    def _rows(self, header: Header) -> None:
        entries, last = 0, -1
        for row in self._lines.rows():
            if isinstance(row, Fault):
                self._report.find(row)
                continue
            self._report.count("rows")
            try:
                place(header.head, row.seq, row.leaf, row.path)
            except Refuted as fault:
                self._report.find(fault)
            entries, last = entries + (row.seq != last), row.seq
            self._held.meet(Entry(row.seq, row.leaf, "", row.call, True), self._report)
        self._report.count("entries", entries)
        if entries != header.count:
            self._report.find(
                Refuted(f"应有 {header.count} 个条目，实有 {entries} 个", f"there are rows of {entries} entries where the first line says {header.count}")
            )

    def _tell(self, header: Header, seen: Seen, sealed: bool) -> None:
        size, cosigned = seen.head.size, f" (cosigned: {', '.join(sorted(map(shown, seen.witnesses)))})" if seen.witnesses else ""
        if header.kind == "segment":
            which = f"the entries {header.first} to {header.end - 1} are whole and" if header.count else "nothing was left out: no entries are"
            en = f"{self._name}: {which} in the tree of {size} entries{cosigned}"
            self._report.prove("条目完整且在树中", en)
        else:
            self._report.prove("各条目均在树中", f"{self._name}: {header.count} entries are in the tree of {size} entries{cosigned}, as the hub wrote them")
        if header.about and sealed:
            self._report.prove("说明由平台签名", f"{self._name}: what it says of itself is signed")
