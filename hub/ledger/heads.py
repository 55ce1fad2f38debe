"""Verification of checkpoints: those stored and those held elsewhere, each against the tree made anew up to its size."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from hub.ledger import tables
from hub.ledger.checkpoint import Checkpoint, read_head
from hub.ledger.checks import rows_between
from hub.ledger.digest import digest_of
from hub.ledger.merkle import fold
from hub.ledger.notes import split_note
from hub.ledger.policy import Policy
from hub.ledger.report import Report

_PAGE = 512


@dataclass(slots=True)
class _Line:
    """Checkpoints of one keeper. What the database holds says nothing against who holds the key, so each keeper's line stands for itself."""

    name: str
    fitting: int = 0
    broken: bool = False


class Heads:
    """Fed with every size of the tree in turn, reports each checkpoint that does not fit."""

    def __init__(self, connection: Connection, policy: Policy, held: Collection[str], report: Report) -> None:
        self._connection = connection
        self._policy = policy
        self._report = report
        self._digest = digest_of(report.log)
        self._held = deque(sorted(self._read_heads(held), key=lambda head: head.size))
        self._page: deque[tuple[int, str | None]] = deque()
        self._read = -1
        self._stored_line, self._held_line = _Line("stored"), _Line("held elsewhere")
        self._gap = False
        self.stored = 0
        """Checkpoints read from the database so far."""
        largest = connection.execute(select(func.max(tables.checkpoint.c.size))).scalar()
        self.published = largest if isinstance(largest, int) else 0
        """The largest stored size: up to there the tree's nodes are stored."""

    def at(self, size: int, peaks: Sequence[bytes]) -> None:
        """Check the checkpoints of this size against the tree's peaks there."""
        root: bytes | None = None
        while (due := self._due(size)) is not None:
            root = fold(peaks, self._digest) if root is None else root
            self._compare(*due, size, root)

    def stop(self) -> None:
        """An entry is missing: no tree beyond it can be made, so no checkpoint beyond it be compared."""
        self._gap = True

    def finish(self, size: int) -> None:
        """Report the checkpoints over more entries than there are."""
        while self._peek() is not None:
            claimed, _ = self._pop()
            if self._gap and claimed <= size:
                continue
            self._report.find("checkpoint", min(size, max(claimed, 0)), f"a checkpoint covers {claimed} entries, the ledger has only {size}")
        for head in self._held:
            if (self._gap and head.size <= size) or not self._vouched(head):
                continue
            self._report.find("checkpoint", size, f"a checkpoint held elsewhere covers {head.size} entries, the ledger has only {size}")

    def _due(self, size: int) -> tuple[_Line, Checkpoint] | None:
        while self._held and self._held[0].size == size:
            kept = self._held.popleft()
            if self._vouched(kept):
                return self._held_line, kept
        while (next_size := self._peek()) is not None and next_size <= size:
            stored, note = self._pop()
            if (head := self._open(stored, note)) is not None and stored == size:
                return self._stored_line, head
        return None

    def _compare(self, line: _Line, head: Checkpoint, size: int, root: bytes) -> None:
        # The trees after the first that does not fit cannot fit either; one finding says it.
        if line.broken:
            return
        if head.root == root and head.origin == self._report.log:
            line.fitting = self._report.published = size
            return
        line.broken = True
        message = f"the entries do not make up the tree of the checkpoint {line.name} over {size}; something from entry {line.fitting} on was rewritten"
        self._report.find("checkpoint", self._first_suspect(line), message)

    def _first_suspect(self, line: _Line) -> int:
        """An entry found altered already explains the checkpoint better than the last one that fitted."""
        known = [finding.index for finding in self._report.findings if finding.what in ("entry", "batch") and finding.index is not None]
        return min(known, default=line.fitting)

    def _open(self, size: int, note: str | None) -> Checkpoint | None:
        try:
            head = self._policy.opened(note or "", size)
        except ValueError as fault:
            self._report.find("checkpoint", None, f"the stored checkpoint over {size} entries: {fault}")
            return None
        if head.size != size:
            self._report.find("checkpoint", None, f"the checkpoint stored for {size} entries covers {head.size}")
            return None
        return head

    def _vouched(self, head: Checkpoint) -> bool:
        """Whether the key that had to sign a checkpoint held elsewhere did."""
        try:
            self._policy.opened(head.note, head.size)
        except ValueError as fault:
            self._report.find("checkpoint", None, f"a checkpoint held elsewhere: {fault}")
            return False
        return True

    def _read_heads(self, notes: Collection[str]) -> list[Checkpoint]:
        opened = []
        for note in notes:
            try:
                opened.append(read_head(split_note(note)[0], note))
            except ValueError as fault:
                self._report.find("checkpoint", None, f"a checkpoint held elsewhere: {fault}")
        return opened

    def _pop(self) -> tuple[int, str | None]:
        self.stored += 1
        self._report.checkpoints += 1
        return self._page.popleft()

    def _peek(self) -> int | None:
        """The size of the next stored checkpoint."""
        if not self._page:
            table = tables.checkpoint
            sizes = self._connection.execute(select(table.c.size).where(table.c.size > self._read).order_by(table.c.size).limit(_PAGE)).scalars().all()
            if not sizes:
                return None
            rows = rows_between(self._connection, table, table.c.size, sizes[0], sizes[-1])
            self._page.extend((size, row["note"] if row is not None else None) for size, row in zip(sizes, rows, strict=True))
            self._read = sizes[-1]
        return self._page[0][0]
