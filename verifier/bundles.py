"""Verification of bundles: exports and archive segments, against their checkpoint and evidence held elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from verifier.entries import Entry
from verifier.faults import Fault, Refuted
from verifier.keys import Keys
from verifier.lines import CALLS, Header, Line, Lines
from verifier.notes import Checkpoint, Policy, Seen
from verifier.proofs import place
from verifier.receipts import Receipt
from verifier.report import Report
from verifier.texts import shown
from verifier.tree import Growing, extends

GENESIS = "0" * 64


@dataclass(slots=True)
class Held:
    """Evidence kept elsewhere: checkpoints whose signatures hold, and receipts. Every file is compared with all of it; what met nothing is told in the end."""

    heads: list[Checkpoint] = field(default_factory=list)
    receipts: dict[int, list[Receipt]] = field(default_factory=dict)
    _met: set[tuple[str, int]] = field(default_factory=set)
    _kept: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, heads: Iterable[Checkpoint], receipts: Iterable[Receipt], keys: Keys, report: Report) -> Held:
        """The receipts that a known log signed; what is wrong with the others is reported."""
        made = cls(list(heads))
        for receipt in receipts:
            report.count("receipts")
            try:
                receipt.confirm(keys)
            except Fault as fault:
                report.find(fault)
            else:
                made.receipts.setdefault(receipt.entry, []).append(receipt)
        return made

    def meet(self, entry: Entry, report: Report) -> None:
        """Compare the receipts of one entry with it."""
        for receipt in self.receipts.get(entry.seq, ()):
            self._kept.add(entry.seq)
            if receipt.leaf != entry.leaf:
                report.find(Refuted(f"条目 {entry.seq} 与其回执不符", f"entry {entry.seq} is not the one that its receipt promises", entry.seq))
            elif receipt.call != entry.call:
                report.find(Refuted("回执的 call 与条目不符", f"the receipt of entry {entry.seq} names another call than the entry", entry.seq))

    def compare(self, log: str, tree: Growing, report: Report) -> None:
        """Compare the checkpoints over as many entries as the tree has."""
        for head in self._of(log, tree.size):
            if head.root != tree.root:
                report.find(Refuted(*_rewritten(head.size), None))

    def face(self, claimed: Checkpoint, report: Report) -> None:
        """Compare the checkpoints over as many entries as that of a file has."""
        for head in self._of(claimed.log, claimed.size):
            if head.root != claimed.root:
                report.find(Refuted("同一大小有两个不同的根：日志有两套历史", f"two roots for {head.size} entries: the log has two histories", None))

    def _of(self, log: str, size: int) -> Iterator[Checkpoint]:
        for head in self.heads:
            if (head.log, head.size) == (log, size):
                self._met.add((log, size))
                yield head

    def left(self, report: Report) -> None:
        """Say what could not be compared with anything."""
        for head in (head for head in self.heads if (head.log, head.size) not in self._met):
            report.warn(f"大小为 {head.size} 的检查点在本文件中无从比较", f"nothing here can be compared with the checkpoint over {head.size} entries")
        for entry in sorted(self.receipts.keys() - self._kept):
            report.warn(f"条目 {entry} 不在本文件中，其回执无从比较", f"entry {entry} is not in this file; its receipt was compared with nothing")


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
            self._report.find(Refuted(*_rewritten(header.head.size), header.first if self._report.first is None else None))

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


def _rewritten(size: int) -> tuple[str, str]:
    return f"各条目不构成大小为 {size} 的检查点的树", f"the entries do not make up the tree of the checkpoint over {size}; something was rewritten"
