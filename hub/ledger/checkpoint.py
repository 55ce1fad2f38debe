"""Checkpoints as C2SP tlog-checkpoint writes them: a signed note over the log's name, its size and its root."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass

from hub.ledger.keys import Signer, VerifierKey

_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")
_SIGNATURES = 64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's tree head: name, number of leaves, root. ``note`` is the whole signed text."""

    origin: str
    size: int
    root: bytes
    note: str


def sign_checkpoint(size: int, root: bytes, signer: Signer) -> Checkpoint:
    """A checkpoint signed by the log's key. The caller answers for its consistency with all earlier ones."""
    key = signer.verifier_key
    text = f"{key.name}\n{size}\n{base64.b64encode(root).decode()}\n"
    signature = base64.b64encode(key.raw_id + signer.sign(text.encode())).decode()
    return Checkpoint(key.name, size, root, f"{text}\n\N{EM DASH} {key.name} {signature}\n")


def open_checkpoint(note: str, keys: Collection[VerifierKey]) -> Checkpoint:
    """The checkpoint in a signed note, once a known key's signature holds; signatures of unknown keys (witnesses) are passed over.

    Raises:
        ValueError: ill-formed, signed by no known key, or a known key's signature does not hold.
    """
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n") or any(ord(character) < 32 and character != "\n" for character in note):
        raise ValueError("not a signed note: expected a text, an empty line and signature lines")
    text += "\n"
    lines = signatures[:-1].split("\n")
    if len(lines) > _SIGNATURES:
        raise ValueError(f"a checkpoint has at most {_SIGNATURES} signatures")
    held = [_signed_by_known(line, text.encode(), keys) for line in lines]
    if not any(held):
        raise ValueError("no signature of a known key stands under the checkpoint")
    return _read(text, note)


def _signed_by_known(line: str, text: bytes, keys: Collection[VerifierKey]) -> bool:
    """Whether a known key signed; ``False`` where the key is unknown.

    Raises:
        ValueError: the line is ill-formed, or the known key did not sign this text.
    """
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\N{EM DASH}":
        raise ValueError("ill-formed signature line under the checkpoint")
    raw = _decoded(parts[2], "signature")
    known = [key for key in keys if key.name == parts[1] and key.raw_id == raw[:4]]
    if known and not any(key.verify(raw[4:], text) for key in known):
        raise ValueError(f"the signature of {parts[1]} does not hold")
    return bool(known)


def _read(text: str, note: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines) or not _SIZE.match(lines[1]):
        raise ValueError("ill-formed checkpoint: expected the log's name, its size and its root")
    root = _decoded(lines[2], "root")
    if len(root) != 32:
        raise ValueError("ill-formed checkpoint: the root is no SHA-256 hash")
    return Checkpoint(lines[0], int(lines[1]), root, note)


def _decoded(text: str, what: str) -> bytes:
    """The bytes behind base64, of which only one spelling is accepted."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise ValueError(f"the {what} is not base64") from fault
    if base64.b64encode(raw).decode() != text:
        raise ValueError(f"the {what} is not canonical base64")
    return raw
