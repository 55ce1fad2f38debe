"""Evidence that was kept elsewhere, as files are compared with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from verifier.entries import Entry
from verifier.faults import Fault, Refuted
from verifier.keys import Keys
from verifier.notes import Checkpoint
from verifier.receipts import Receipt
from verifier.report import Report
from verifier.tree import Growing


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
                report.find(Refuted(*rewritten(head.size), None))

    def face(self, claimed: Checkpoint, report: Report) -> None:
        """Compare the checkpoints over as many entries as that of a file has."""
        for head in self._of(claimed.log, claimed.size):
            if head.root != claimed.root:
                report.find(
                    Refuted(
                        "同一大小有两个不同的根：日志有两套历史",
                        f"another root than that of the checkpoint over {head.size} entries that was kept: two histories",
                        None,
                    )
                )

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


def rewritten(size: int) -> tuple[str, str]:
    """What is said of a tree that is not the one of the checkpoint over so many entries."""
    return f"各条目不构成大小为 {size} 的检查点的树", f"the entries do not make up the tree of the checkpoint over {size}; something was rewritten"
