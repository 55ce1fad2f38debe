"""Cosignatures of witnesses as C2SP tlog-cosignature writes them (cosignature/v1, Ed25519), and the keys that make and verify them."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from hub.ledger.errors import KeyFault
from hub.ledger.keys import check_name, kept_secret
from hub.ledger.notes import SignatureLine

COSIGNATURE = b"\x04"
"""The signature type of timestamped Ed25519 cosignatures in signed notes."""
_STAMP = 8
_LATEST = 1 << 63


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's public key under its name. ``str()`` is the signed-note form ``name+id+base64(0x04 || key)``."""

    name: str
    public: bytes
    _key: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_key", Ed25519PublicKey.from_public_bytes(self.public))

    @property
    def raw_id(self) -> bytes:
        """The four bytes that tell this key's cosignatures: ``SHA-256(name || 0x0A || 0x04 || key)[:4]``."""
        return sha256(self.name.encode() + b"\n" + COSIGNATURE + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.raw_id.hex()}+{base64.b64encode(COSIGNATURE + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """The key behind its signed-note form.

        Raises:
            KeyFault: the text is no witness's verifier key, or its id is not that of the key.
        """
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            material = base64.b64decode(encoded, validate=True)
            key = cls(name, material[1:])
        except (ValueError, binascii.Error) as fault:
            raise KeyFault("不是见证公钥 not a witness's verifier key: expected name+id+base64, as `GET /key` of the witness prints it") from fault
        if not name or material[:1] != COSIGNATURE or key.raw_id.hex() != key_id:
            raise KeyFault(f"见证 {name!r} 的公钥有误 the key of the witness {name!r} is no cosigning key (type 4) with id {key_id!r}; fetch it again")
        return key

    def signed(self, line: SignatureLine) -> bool:
        """Whether a line claims to be this key's: by name and id, nothing is verified."""
        return line.name == self.name and line.raw_id == self.raw_id

    def verify(self, line: SignatureLine, text: str) -> int | None:
        """The POSIX time at which this key cosigned the note's text, which ends in a newline; ``None`` where the line is not its cosignature of it."""
        stamp = int.from_bytes(line.signature[:_STAMP])
        if not self.signed(line) or len(line.signature) != _STAMP + 64 or stamp >= _LATEST:
            return None
        try:
            self._key.verify(line.signature[_STAMP:], cosigned(text, stamp))
        except InvalidSignature:
            return None
        return stamp


class Cosigner:
    """A witness's key pair, held in memory."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key = WitnessKey(check_name(name), key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def cosign(self, text: str, seconds: int) -> SignatureLine:
        """The cosignature of a note's text, as of a POSIX time."""
        return SignatureLine(self.key.name, self.key.raw_id, seconds.to_bytes(_STAMP) + self._key.sign(cosigned(text, seconds)))


def cosigned(text: str, seconds: int) -> bytes:
    """What a cosignature signs: two lines before the whole text of the note."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def make_key(path: Path) -> None:
    """Writes a new key (PKCS#8, mode 0600), durably; a key that is there already stays.

    Raises:
        KeyFault: the file cannot be written.
    """
    kept_secret(path, Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def read_cosigner(path: Path, name: str) -> Cosigner:
    """The key pair in a file of ``make_key``.

    Raises:
        KeyFault: the file is missing, open to others or no Ed25519 key, or the name cannot name a witness.
    """
    if not path.is_file():
        raise KeyFault(f"{path} 不存在 is missing: 请从备份恢复 restore it from the backup; a witness without its key is retired")
    try:
        key = load_pem_private_key(kept_secret(path, b""), password=None)
    except (ValueError, TypeError) as fault:
        raise KeyFault(f"{path} 不是未加密的 PEM 私钥 is not an unencrypted private key in PEM") from fault
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault(f"{path} 不是 Ed25519 密钥 is not an Ed25519 key")
    return Cosigner(name, key)
