"""Public keys as C2SP signed-note writes them, and the policy of which key may vouch for which part of a log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verifier.faults import Refuted, Unreadable
from verifier.texts import canonical, fields, octets, parsed, shown, text, whole

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

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def read_key(line: str) -> Key:
    """The key behind ``name+id+base64``.

    Raises:
        Unreadable: it is none, or its id is not that of the key.
    """
    name, _, rest = line.partition("+")
    told, _, encoded = rest.partition("+")
    material = octets(encoded, "密钥 key", 33)
    if not name or not name.isprintable() or " " in name or material[0] not in (NOTE, COSIGNATURE):
        raise Unreadable("不是 Ed25519 公钥 name+id+base64", "this is not an Ed25519 public key, name+id+base64")
    key = Key(name, material[0], material[1:])
    if key.id.hex() != told:
        raise Unreadable(f"{shown(name)} 的公钥与其编号不符", f"the public key of {shown(name)} has not the id that it claims")
    return key


@dataclass(frozen=True, slots=True)
class Term:
    """What part of the log a key vouches for: entries from ``first`` up to ``end``, which is not among them; ``None`` while it is in use."""

    key: Key
    first: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a log that the verifier was given, and no others."""

    terms: Sequence[Term]

    def confirm(self, log: str, key_id: bytes, signature: bytes, message: bytes, span: tuple[int | None, int], what: tuple[str, str]) -> Key:
        """The key of this log and id, which signed the message over the entries of ``span`` (its first, where one is told; past its last).

        Raises:
            Refuted: the key is not known, did not sign, or does not vouch for these entries.
        """
        zh, en = what
        known = [term for term in self.terms if term.key.kind == NOTE and term.key.name == log and term.key.id == key_id]
        if not known:
            raise Refuted(f"{zh}由未知密钥 {key_id.hex()} 签名", f"{en} is signed with a key that is not known: {key_id.hex()} of {shown(log)}")
        holding = [term for term in known if term.key.signed(signature, message)]
        if not holding:
            raise Refuted(f"{zh}的签名不成立", f"the signature of {en} does not hold")
        if not any(_vouches(term, *span) for term in holding):
            raise Refuted(
                f"{zh}由不在有效范围内的密钥 {key_id.hex()} 签名",
                f"{en} is signed with key {key_id.hex()}, which does not vouch for these entries: it was replaced",
            )
        return holding[0].key

    def known(self, log: str, key_id: bytes) -> bool:
        """Whether a key of this log has this id."""
        return any(term.key.kind == NOTE and term.key.name == log and term.key.id == key_id for term in self.terms)


def _vouches(term: Term, first: int | None, end: int) -> bool:
    return (first is None or term.first <= first) and (term.end is None or end <= term.end)


def read_keys(paths: Sequence[Path]) -> Keys:
    """Keys from files: a public key a line, or a key history as ``GET /ledger/keys`` gives it.

    Raises:
        Unreadable: a line is neither.
    """
    terms = [term for path in paths for line in text(path).splitlines() if line.strip() for term in [_term(line.strip())]]
    if not terms:
        raise Unreadable("没有公钥", "no public key was given")
    # A history limits the keys it names, also where a file beside it names one of them without limits.
    limited = {term.key for term in terms if term.first or term.end is not None}
    return Keys([term for term in terms if term.key not in limited or term.first or term.end is not None])


def _term(line: str) -> Term:
    if not line.startswith("{"):
        return Term(read_key(line))
    value = parsed(line.encode(), "密钥记录 the key's record")
    (key,) = fields(value, "密钥记录 the key's record", key=str)
    end = value.get("end")
    term = Term(read_key(key), whole(value.get("first"), "first"), None if end is None else whole(end, "end"))
    if term.end is not None and term.end < term.first:
        raise Unreadable("密钥的终点早于起点", f"a key ends before it begins: {canonical(value).decode()[:80]}")
    return term


def read_witness(given: str) -> Key:
    """A witness's key: itself, or the file that holds it.

    Raises:
        Unreadable: it is neither, or no key of a witness.
    """
    line = given if given.count("+") >= 2 and not Path(given).is_file() else text(Path(given)).strip()
    key = read_key(line)
    if key.kind != COSIGNATURE:
        raise Unreadable(f"{shown(key.name)} 不是见证方的公钥", f"the key of {shown(key.name)} is not one of a witness (cosignature/v1)")
    return key
