"""Signed notes as C2SP writes them (c2sp.org/signed-note): a text, an empty line, and lines of signatures."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

DASH = "\N{EM DASH}"
SIGNATURES = 64
"""Signatures that a note may bear; the standard asks for 16 at least."""

_ID = 4
"""Bytes of a key's id."""


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line under a note: the key's name and id, and what the key signed by its algorithm."""

    name: str
    raw_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{DASH} {self.name} {base64.b64encode(self.raw_id + self.signature).decode()}\n"


def split_note(note: str) -> tuple[str, list[SignatureLine]]:
    """The signed text, with the newline at its end, and the signature lines under it; nothing is verified.

    Raises:
        ValueError: this is no signed note.
    """
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not text or not signatures.endswith("\n") or any(ord(character) < 32 and character != "\n" for character in note):
        raise ValueError("not a signed note: expected a text, an empty line and signature lines")
    return text + "\n", signature_lines(signatures)


def signature_lines(text: str) -> list[SignatureLine]:
    """The signature lines of a text that is nothing else, each ended by a newline.

    Raises:
        ValueError: a line is ill-formed, or there are more than ``SIGNATURES``.
    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) > SIGNATURES:
        raise ValueError(f"a checkpoint has at most {SIGNATURES} signatures")
    return [_line(line) for line in lines]


def with_signatures(note: str, lines: Iterable[SignatureLine]) -> str:
    """The note with further signatures under it."""
    return note + "".join(str(line) for line in lines)


def decoded(text: str, what: str) -> bytes:
    """The bytes behind base64, of which only one spelling is accepted.

    Raises:
        ValueError: it is not base64; the message names ``what``.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise ValueError(f"the {what} is not base64") from fault
    if base64.b64encode(raw).decode() != text:
        raise ValueError(f"the {what} is not canonical base64")
    return raw


def _line(line: str) -> SignatureLine:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != DASH or not _is_name(parts[1]):
        raise ValueError("ill-formed signature line under the checkpoint")
    raw = decoded(parts[2], "signature")
    if len(raw) <= _ID:
        raise ValueError("a signature under the checkpoint is too short")
    return SignatureLine(parts[1], raw[:_ID], raw[_ID:])


def _is_name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(character.isspace() for character in text)
