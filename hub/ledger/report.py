"""What a verification found, and what the outside world holds against the ledger: checkpoints and receipts kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from hub.ledger.receipt import Receipt

Subject = Literal["entry", "batch", "tree", "checkpoint", "receipt", "head", "key"]
LIMIT = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction. ``index`` is the entry it concerns, or the first of those it concerns; ``None`` where it concerns none."""

    what: Subject
    index: int | None
    message: str


@dataclass(slots=True)
class Report:
    """The outcome of a full verification. ``entries``, ``batches``, ``checkpoints`` and ``receipts`` count what was read."""

    log: str
    entries: int = 0
    batches: int = 0
    checkpoints: int = 0
    receipts: int = 0
    published: int = 0
    """Entries under the last sound checkpoint. Those after it rest on the batches' signatures alone."""
    archived: int = 0
    """Entries that were removed after they had been archived."""
    unread: int = 0
    """Those of them whose archive was not at hand: their leaf hashes were verified, their content was not."""
    findings: list[Finding] = field(default_factory=list)
    omitted: int = 0
    """Findings beyond the first ``LIMIT``."""
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing contradicts anything."""
        return not self.findings

    @property
    def first(self) -> int | None:
        """The first entry that was altered, removed or added, as near as the evidence tells; a node of the tree tells least, it spans many."""
        near = [finding.index for finding in self.findings if finding.index is not None and finding.what != "tree"]
        return min(near or [finding.index for finding in self.findings if finding.index is not None], default=None)

    def find(self, what: Subject, index: int | None, message: str) -> None:
        """Note a contradiction."""
        if len(self.findings) < LIMIT:
            self.findings.append(Finding(what, index, message))
        else:
            self.omitted += 1

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "ok": self.ok,
            "log": self.log,
            "entries": self.entries,
            "batches": self.batches,
            "checkpoints": self.checkpoints,
            "receipts": self.receipts,
            "published": self.published,
            "archived": self.archived,
            "unread": self.unread,
            "first": self.first,
            "findings": [{"what": finding.what, "index": finding.index, "message": finding.message} for finding in self.findings],
            "omitted": self.omitted,
            "warnings": self.warnings,
        }


def read_receipts(lines: Iterable[str | bytes]) -> list[Receipt]:
    """Receipts from JSON lines, each a receipt as answers carry it; empty lines are passed over.

    Raises:
        ValueError: a line is not a receipt; the message names its number.
    """
    receipts = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                receipts.append(Receipt.from_json(orjson.loads(line)))
            except ValueError as fault:
                raise ValueError(f"line {number} is not a receipt") from fault
    return receipts
