"""Public keys as C2SP signed-note writes them, and the policy of which key may vouch for which part of a log."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verifier.faults import Refuted, Unreadable
from verifier.texts import octets, shown, text

NOTE, COSIGNATURE = 1, 4
"""Kinds of keys: Ed25519 over notes, and Ed25519 of a witness over checkpoints and their time (C2SP tlog-cosignature)."""


@dataclass(frozen=True, slots=True)
class Key:
    """One public key under a name. ``id`` tells its signatures: ``SHA-256(name || 0x0A || kind || key)[:4]``."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def is_name(text: str) -> bool:
    """Whether a key may have this name (C2SP signed-note): not empty, no spaces of Unicode, no plus."""
    return bool(text) and "+" not in text and not any(one.isspace() for one in text)


def read_key(line: str) -> Key:
    """The key behind ``name+id+base64``.

    Raises:
        Unreadable: it is none, or its id is not that of the key.
    """
    name, _, rest = line.partition("+")
    told, _, encoded = rest.partition("+")
    material = octets(encoded, "密钥 key", 33)
    if not is_name(name) or not name.isprintable() or material[0] not in (NOTE, COSIGNATURE):
        raise Unreadable("不是 Ed25519 公钥 name+id+base64", "this is not an Ed25519 public key, name+id+base64")
    key = Key(name, material[0], material[1:])
    if key.id.hex() != told:
        raise Unreadable(f"{shown(name)} 的公钥与其编号不符", f"the public key of {shown(name)} has not the id that it claims")
    return key


@dataclass(frozen=True, slots=True)
class Term:
    """What a key vouches for: entries and sizes of checkpoints from the first of each pair up to the second, not included; ``None`` while it is in force."""

    key: Key
    entries: tuple[int, int | None] = (0, None)
    sizes: tuple[int, int | None] = (0, None)

    def over_batch(self, first: int, end: int) -> bool:
        """Whether it may sign the batch of these entries."""
        return first >= self.entries[0] and self.over_past(end)

    def over_past(self, end: int) -> bool:
        """Whether it may sign a list of what happened before entry ``end``: nothing later than its own entries; earlier ones may be told at any time."""
        return self.entries[1] is None or end <= self.entries[1]

    def over_tree(self, size: int) -> bool:
        """Whether it may sign the checkpoint over so many entries."""
        return size >= self.sizes[0] and (self.sizes[1] is None or size < self.sizes[1])


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of logs that the verifier trusts, and no others."""

    terms: Sequence[Term]

    def confirm(self, log: str, key_id: bytes, signed: tuple[bytes, bytes], may: Callable[[Term], bool], what: tuple[str, str]) -> None:
        """Refutes a signature, ``signed`` being it and its message, that no key of this log and id made which ``may`` sign this.

        Raises:
            Refuted: the key is not known, did not sign, or does not vouch for this part of the log.
        """
        zh, en = what
        known = [term for term in self.terms if term.key.name == log and term.key.id == key_id]
        if not known:
            raise Refuted(f"{zh}由未知密钥 {key_id.hex()} 签名", f"{en} is signed with a key that is not known: {key_id.hex()} of {shown(log)}")
        holding = [term for term in known if term.key.signed(*signed)]
        if not holding:
            raise Refuted(f"{zh}的签名不成立", f"the signature of {en} does not hold")
        if not any(may(term) for term in holding):
            told = f"{en} is signed with key {key_id.hex()}, which does not vouch for this part of the log: it was not in force there"
            raise Refuted(f"{zh}由当时不在用的密钥 {key_id.hex()} 签名", told)

    def known(self, log: str, key_id: bytes) -> bool:
        """Whether a key of this log has this id."""
        return any(term.key.name == log and term.key.id == key_id for term in self.terms)

    def logs(self, key_id: str) -> list[str]:
        """The logs that have a key of this id, hexadecimal."""
        return sorted({term.key.name for term in self.terms if term.key.id.hex() == key_id})


def read_witness(given: str) -> Key:
    """A witness's key: itself, or the file that holds it.

    Raises:
        Unreadable: it is neither, or no key of a witness.
    """
    try:
        key = read_key(given)
    except Unreadable:
        key = read_key(text(Path(given)).strip())
    if key.kind != COSIGNATURE:
        raise Unreadable(f"{shown(key.name)} 不是见证方的公钥", f"the key of {shown(key.name)} is not one of a witness (cosignature/v1)")
    return key
