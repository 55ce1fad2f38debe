"""Which key may sign what, as a verification walks through the log: the rule of docs/ledger.md, "Rotation", applied to batches and checkpoints."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from hub.ledger.checkpoint import Checkpoint, open_checkpoint
from hub.ledger.entry import Entry, Json
from hub.ledger.errors import KeyFault
from hub.ledger.history import ENDORSE, ROTATE, LedgerKey, Reason, of_size
from hub.ledger.keys import VerifierKey
from hub.ledger.report import Report


class _Stored(Protocol):
    @property
    def seq(self) -> int: ...
    @property
    def entry(self) -> Entry | None: ...


class Policy:
    """The keys of the log as its own entries announce them, against what the verifier trusts and what the table of keys says."""

    def __init__(self, trusted: Sequence[VerifierKey], stored: Sequence[LedgerKey], report: Report) -> None:
        self._trusted = trusted
        self._stored = [key for key in stored if key.verifier.name == report.log]
        self._report = report
        self._endorsed: dict[str, int | None] = {}
        self._announcers: dict[str, Json] = {}
        first = self._stored[0].verifier if self._stored else trusted[0]
        self.line = [LedgerKey(first)]

    @property
    def present(self) -> VerifierKey:
        """The key in force at this place of the walk."""
        return self.line[-1].verifier

    def signer(self, number: int, signature: bytes, text: bytes, entries: Sequence[_Stored]) -> VerifierKey | None:
        """The key that signed a batch; ``None`` where no key of the log did. One that was not in force is reported."""
        if self.present.verify(signature, text):
            return self.present
        lost = self._announced(number, entries, "LOST")
        if lost is not None and lost.verifier.verify(signature, text):
            self.line.append(lost)
            return lost.verifier
        for other in self._others():
            if other.verify(signature, text):
                told = f"batch {number} is signed with the key {other.key_id}; in force was {self.present.key_id}"
                self._report.find("batch", entries[0].seq, told)
                return other
        return None

    def unsound(self, first: int, count: int) -> None:
        """A batch does not hold, and is reported. What the table says of its entries keeps all that follows from being reported with it."""
        self.line += [key for key in self._stored if key.announced in range(first, first + count) and key.verifier != self.present]
        self._endorsed |= {str(key.verifier): key.endorsed for key in self._stored if key.endorsed in range(first, first + count)}

    def after(self, number: int, entries: Sequence[_Stored]) -> None:
        """Take over the key that a batch announces for the next one, and note endorsements."""
        rotated = self._announced(number + 1, entries, "ROTATED")
        if rotated is not None:
            self.line.append(rotated)
        for one in entries:
            self._look(one, alone=len(entries) == 1)

    def opened(self, note: str, size: int) -> Checkpoint:
        """The checkpoint in a note over ``size`` entries.

        Raises:
            ValueError: ill-formed, or not signed with the key that signs checkpoints of this size.
        """
        due = of_size(self.line, size).verifier
        try:
            return open_checkpoint(note, [due])
        except ValueError as fault:
            for other in self._others():
                if _opens(note, other):
                    raise ValueError(f"signed with the key {other.key_id}, which signs no checkpoint over {size} entries; {due.key_id} does") from fault
            raise

    def finish(self) -> None:
        """Compare with the table of keys, and with what the verifier trusts."""
        said = [(key.verifier, key.reason, key.batch, key.announced, key.endorsed) for key in self._stored]
        shown = [(key.verifier, key.reason, key.batch, key.announced, self._endorsed.get(str(key.verifier))) for key in self.line]
        if said != shown:
            self._report.find("key", None, "the table of keys does not say what the entries say of them")
        for before, key in zip(self._stored, self._stored[1:], strict=False):
            if not key.confirms(before.verifier):
                self._report.find("key", None, f"the statement over the change to the key {key.verifier.key_id} does not hold")
        self._check_trust()
        for key in self.line:
            if key.reason == "LOST" and str(key.verifier) not in self._endorsed:
                self._report.warnings.append(f"the key {key.verifier.key_id} replaced a lost one at entry {key.announced} and is not endorsed yet")

    def _check_trust(self) -> None:
        known = [key.verifier in self._trusted for key in self.line]
        for place in range(1, len(known)):
            known[place] |= known[place - 1] and self.line[place].reason == "ROTATED"
        for place in reversed(range(len(known) - 1)):
            # A later key's checkpoints cover what earlier keys signed.
            known[place] |= known[place + 1]
        for key, trusted in zip(self.line, known, strict=True):
            if not trusted:
                told = f"the key {key.verifier.key_id} signs from entry {key.first} on, and no key that you trust vouches for it; get it by a way you trust"
                self._report.find("key", key.first, told)
        for given in self._trusted:
            if given not in [key.verifier for key in self.line]:
                self._report.find("key", None, f"the key {given.key_id}, which was to be trusted, is none of this log's keys")

    def _announced(self, batch: int, entries: Sequence[_Stored], reason: Reason) -> LedgerKey | None:
        """The key that a batch of one entry announces in place of the one in force."""
        if len(entries) != 1:
            return None
        if entries[0].entry is None:
            # Removed to an archive that is not at hand: the statement in the table of keys is signed as well.
            kept = (key for key in self._stored if key.announced == entries[0].seq and key.reason == reason)
            return next((key for key in kept if key.confirms(self.present)), None)
        if (details := _details(entries[0], ROTATE)) is None:
            return None
        try:
            new = VerifierKey.parse(str(details.get("new")))
        except KeyFault:
            return None
        fits = details.get("reason") == reason and details.get("old") == str(self.present) and new.name == self._report.log
        return LedgerKey(new, reason, batch, entries[0].seq) if fits else None

    def _look(self, one: _Stored, alone: bool) -> None:
        if one.entry is None:
            self._endorsed |= {str(key.verifier): one.seq for key in self._stored if key.endorsed == one.seq}
        endorsed, announced = _details(one, ENDORSE), _details(one, ROTATE)
        if endorsed is not None:
            self._endorse(one.seq, str(endorsed.get("key")), endorsed.get("actor"))
        if announced is not None:
            self._announcers[str(announced.get("new"))] = announced.get("actor")
        if announced is not None and not (alone and self.line[-1].announced == one.seq):
            self._report.find("key", one.seq, f"entry {one.seq} announces a key that does not follow the one in force")

    def _endorse(self, seq: int, key: str, actor: Json) -> None:
        self._endorsed.setdefault(key, seq)
        if key in (str(one.verifier) for one in self.line) and self._announcers.get(key) != actor:
            return
        self._report.find("key", seq, f"entry {seq} endorses a key that was not announced before it, or by the one who announced it")

    def _others(self) -> Collection[VerifierKey]:
        return dict.fromkeys([*(key.verifier for key in self.line), *(key.verifier for key in self._stored), *self._trusted])


def _details(one: _Stored, operation: str) -> dict[str, Json] | None:
    if one.entry is None or (one.entry.content.kind, one.entry.content.operation) != ("key", operation):
        return None
    details = one.entry.content.details
    return dict(details) if isinstance(details, dict) else {}


def _opens(note: str, key: VerifierKey) -> bool:
    try:
        open_checkpoint(note, [key])
    except ValueError:
        return False
    return True
