"""A witness's judgement: a checkpoint is cosigned if its log signed it and it extends the last one that was cosigned, and never otherwise."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from hub.ledger.digest import digest_of
from hub.ledger.errors import LedgerUnavailable
from hub.ledger.merkle import verify_consistency
from hub.ledger.notes import with_signatures
from hub.witness.keys import Cosigner
from hub.witness.protocol import SIZE_MEDIA, Submission, read_submission
from hub.witness.state import Cosigned, Decision, Evidence, WitnessState
from hub.witness.trust import Trust

FORK, INCONSISTENT = "fork", "inconsistent"
"""Two roots for one size, signed both; a larger tree that was not proven to hold the last one."""
_TEXT = "text/plain; charset=utf-8"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer: HTTP status, body, media type."""

    status: int
    body: str
    media: str = _TEXT


class Witness:
    """Answers ``add-checkpoint`` of C2SP tlog-witness. Blocks on its state's file; used from worker threads."""

    def __init__(self, cosigner: Cosigner, trust: Trust, state: WitnessState, clock: Callable[[], float] = time.time) -> None:
        self._cosigner = cosigner
        self._trust = trust
        self._state = state
        self._clock = clock

    @property
    def verifier_key(self) -> str:
        """The public key, as ``GET /key`` answers it."""
        return str(self._cosigner.key)

    def last(self, origin: str) -> str | None:
        """The last checkpoint of a log that was cosigned, with the cosignature under it."""
        return next((held.note for held in self._state.all_cosigned() if held.origin == origin), None)

    def writable(self) -> bool:
        """Whether a cosignature could be remembered now."""
        try:
            with self._state.deciding() as decision:
                decision.probe()
        except LedgerUnavailable:
            return False
        return True

    def close(self) -> None:
        """Closes the state's file."""
        self._state.close()

    def add_checkpoint(self, body: bytes) -> Verdict:
        """Cosigns the checkpoint in a request's body, or says why not.

        Raises:
            LedgerUnavailable: the state cannot be written. Nothing was cosigned.
        """
        try:
            shown = read_submission(body)
        except ValueError as fault:
            return Verdict(400, f"{fault}\n")
        keys = self._trust.keys(shown.head.origin)
        if not keys:
            return Verdict(404, "unknown log\n")
        known = [(key, line) for line in shown.signatures for key in keys if (key.name, key.raw_id) == (line.name, line.raw_id)]
        if not any(key.verify(line.signature, shown.text.encode()) for key, line in known):
            return Verdict(403, "no signature of a known key of the log holds\n")
        if shown.old > shown.head.size:
            return Verdict(400, "the old size is larger than the checkpoint's\n")
        with self._state.deciding() as decision:
            # What leaves is on the disk by then: the block commits before it is left.
            return self._judge(decision, shown, body)

    def _judge(self, decision: Decision, shown: Submission, body: bytes) -> Verdict:
        held, head = decision.last(shown.head.origin), shown.head
        size = held.size if held else 0
        if held is not None and head.size == size and head.root != held.root:
            self._alarm(decision, FORK, held, shown, body)
            return _conflict(size)
        if shown.old != size:
            if head.size < size:
                _log.warning("the log %s shows %d entries after %d: an old checkpoint sent again, or a log that was set back", head.origin, head.size, size)
            return _conflict(size)
        if not self._consistent(held, shown):
            if held is not None and (held.size, held.root) == (head.size, head.root):
                return Verdict(422, "no proof belongs between a tree and itself\n")
            self._alarm(decision, INCONSISTENT, held, shown, body)
            return Verdict(422, "the consistency proof does not hold\n")
        seconds = int(self._clock())
        line = self._cosigner.cosign(shown.text, seconds)
        decision.cosign(Cosigned(head.origin, head.size, head.root, with_signatures(head.note, [line]), seconds))
        return Verdict(200, str(line))

    def _consistent(self, held: Cosigned | None, shown: Submission) -> bool:
        head = shown.head
        digest = digest_of(head.origin)
        if shown.old == 0:
            return not shown.path and (head.size > 0 or head.root == digest.empty)
        if held is None:
            return False
        return verify_consistency(shown.old, head.size, held.root, head.root, shown.path, digest)

    def _alarm(self, decision: Decision, reason: str, held: Cosigned | None, shown: Submission, body: bytes) -> None:
        """Keeps both checkpoints, and says so once for each tree that was shown."""
        head = shown.head
        found = Evidence(head.origin, reason, head.size, head.root, held.note if held else "", body, int(self._clock()))
        if decision.keep(found):
            said = "two trees of one size" if reason == FORK else "a tree that is not proven to extend the one cosigned"
            _log.critical(
                "the log %s shows %s: %d entries, %d cosigned; see `huitong witness evidence`", head.origin, said, head.size, held.size if held else 0
            )


def _conflict(size: int) -> Verdict:
    return Verdict(409, f"{size}\n", SIZE_MEDIA)
