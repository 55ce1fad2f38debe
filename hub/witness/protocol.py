"""The request of C2SP tlog-witness: an old size, a consistency proof, an empty line, a checkpoint."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hub.ledger.checkpoint import Checkpoint, read_head
from hub.ledger.notes import SignatureLine, decoded, split_note

ADD_CHECKPOINT = "/add-checkpoint"
SIZE_MEDIA = "text/x.tlog.size"
MOST_BYTES = 128 * 1024
"""Of a request: 63 lines of a proof, and a checkpoint with 16 signatures of 5 kB, which C2SP signed-note wants accepted."""
MOST_STEPS = 63
MOST_SIZE = 1 << 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})\Z")
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n\Z")


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint that is to be cosigned, and the proof that it extends the tree of ``old`` leaves."""

    old: int
    path: tuple[bytes, ...]
    head: Checkpoint
    text: str
    """The checkpoint's signed text."""
    signatures: tuple[SignatureLine, ...]


def read_submission(body: bytes) -> Submission:
    """What a request's body says; no signature and no proof is verified.

    Raises:
        ValueError: the body is ill-formed; the message says how.
    """
    try:
        head, separator, note = body.decode().partition("\n\n")
    except UnicodeDecodeError as fault:
        raise ValueError("the body is not UTF-8") from fault
    first, *steps = head.split("\n")
    found = _OLD.match(first)
    if not separator or found is None or len(steps) > MOST_STEPS:
        raise ValueError(f"expected a line `old SIZE`, at most {MOST_STEPS} lines of a consistency proof, an empty line and a checkpoint")
    path = tuple(decoded(step, "consistency proof") for step in steps)
    if any(len(step) != 32 for step in path):
        raise ValueError("a line of the consistency proof is no hash of 32 bytes")
    text, signatures = split_note(note)
    checkpoint = read_head(text, note)
    if max(int(found[1]), checkpoint.size) >= MOST_SIZE:
        raise ValueError("a size is beyond 2^63 - 1")
    return Submission(int(found[1]), path, checkpoint, text, tuple(signatures))


def write_submission(old: int, path: Sequence[bytes], note: str) -> bytes:
    """The body of a request."""
    steps = "".join(f"{base64.b64encode(step).decode()}\n" for step in path)
    return f"old {old}\n{steps}\n{note}".encode()


def read_size(body: str) -> int | None:
    """The size in the body of a conflict; ``None`` where there is none."""
    found = _SIZE.match(body)
    return int(found[1]) if found else None
