"""Checkpoints as C2SP tlog-checkpoint writes them: a signed note over the log's name, its size and its root."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from hub.ledger.keys import Signer, VerifierKey
from hub.ledger.notes import SignatureLine, decoded, split_note, with_signatures

_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's tree head: name, number of leaves, root. ``note`` is the whole signed text."""

    origin: str
    size: int
    root: bytes
    note: str


class NoteSigner(Protocol):
    """What signs checkpoints beside the log's key: a device, by an algorithm of its own."""

    def line(self, text: str) -> SignatureLine | None:
        """Its signature over a note's text; ``None`` where it does not sign, and need not.

        Raises:
            DeviceFault: it does not sign, and has to.
        """
        ...


def sign_checkpoint(size: int, root: bytes, signer: Signer, further: Sequence[NoteSigner] = ()) -> Checkpoint:
    """A checkpoint signed by the log's key, and by others. The caller answers for its consistency with all earlier ones.

    Raises:
        DeviceFault: one of the others has to sign, and did not.
    """
    key = signer.verifier_key
    text = f"{key.name}\n{size}\n{base64.b64encode(root).decode()}\n"
    line = SignatureLine(key.name, key.raw_id, signer.sign(text.encode()))
    others = [signed for one in further if (signed := one.line(text)) is not None]
    return Checkpoint(key.name, size, root, with_signatures(f"{text}\n", [line, *others]))


def open_checkpoint(note: str, keys: Collection[VerifierKey]) -> Checkpoint:
    """The checkpoint in a signed note, once a known key's signature holds; signatures of unknown keys (witnesses) are passed over.

    Raises:
        ValueError: ill-formed, signed by no known key of the log that it names, or such a key's signature does not hold.
    """
    text, lines = split_note(note)
    head = read_head(text, note)
    own = [key for key in keys if key.name == head.origin]
    held = [_signed_by_known(line, text.encode(), own) for line in lines]
    if not any(held):
        raise ValueError("no signature of a known key stands under the checkpoint")
    return head


def read_head(text: str, note: str) -> Checkpoint:
    """The tree head that a note's text says; no signature is looked at.

    Raises:
        ValueError: the text is no tree head.
    """
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines) or not _SIZE.match(lines[1]):
        raise ValueError("ill-formed checkpoint: expected the log's name, its size and its root")
    root = decoded(lines[2], "root")
    if len(root) != 32:
        raise ValueError("ill-formed checkpoint: the root is no hash of 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root, note)


def _signed_by_known(line: SignatureLine, text: bytes, keys: Collection[VerifierKey]) -> bool:
    """Whether a known key signed; ``False`` where the key is unknown.

    Raises:
        ValueError: the known key did not sign this text.
    """
    known = [key for key in keys if key.name == line.name and key.raw_id == line.raw_id]
    if known and not any(key.verify(line.signature, text) for key in known):
        raise ValueError(f"the signature of {line.name} does not hold")
    return bool(known)
