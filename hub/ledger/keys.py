"""Signing keys and the public keys that verify them, written as C2SP signed-note does (c2sp.org/signed-note)."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from hub.ledger.errors import KeyFault, LedgerCorrupt

ED25519 = b"\x01"
"""The signature type of Ed25519 in signed notes."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._:/-]{0,127}\Z")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A log's public key under the log's name. ``str()`` is the signed-note form ``name+id+base64(0x01 || key)``."""

    name: str
    public: bytes
    _key: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_key", Ed25519PublicKey.from_public_bytes(self.public))

    @property
    def raw_id(self) -> bytes:
        """The four bytes that tell signatures of this key: ``SHA-256(name || 0x0A || 0x01 || key)[:4]``."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    @property
    def key_id(self) -> str:
        """``raw_id`` in hexadecimal, as receipts and batches name it."""
        return self.raw_id.hex()

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id}+{base64.b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key behind its signed-note form.

        Raises:
            KeyFault: the text is not an Ed25519 verifier key, or its id is not that of the key.
        """
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            material = base64.b64decode(encoded, validate=True)
            key = cls(name, material[1:])
        except (ValueError, binascii.Error) as fault:
            raise KeyFault("not a verifier key: expected name+id+base64, as `GET /ledger/key` prints it") from fault
        if material[:1] != ED25519 or key.key_id != key_id:
            raise KeyFault(f"the verifier key of {name!r} is not an Ed25519 key with id {key_id!r}; fetch it again")
        return key

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed the message."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Signer(Protocol):
    """What signs batches and checkpoints: a key in a file here, a device elsewhere. Called once a commit and once a second, never per call."""

    @property
    def key_id(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    @property
    def verifier_key(self) -> VerifierKey: ...
    def sign(self, message: bytes) -> bytes:
        """The raw signature over the message."""
        ...

    def in_force(self, key_id: str) -> Signer:
        """The signer of the key that the control database says is in force.

        Raises:
            LedgerCorrupt: this signer has but one key, and it is another.
            KeyMissing: this signer has several keys, and not this one.
        """
        ...


class Ed25519Signer:
    """A signer with its Ed25519 key in memory (RFC 8032), for the log called ``name``."""

    algorithm = "Ed25519"

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.verifier_key = VerifierKey(check_name(name), key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        self.key_id = self.verifier_key.key_id

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""
        return self._key.sign(message)

    def in_force(self, key_id: str) -> Ed25519Signer:
        """Itself.

        Raises:
            LedgerCorrupt: another key is in force.
        """
        if key_id != self.key_id:
            raise LedgerCorrupt(f"the ledger is signed with the key {key_id}, not with {self.key_id}")
        return self


def check_name(name: str) -> str:
    """The name of a log, its ``origin``, checked: a schema-less URL such as ``hub.city.example/ledger``.

    Raises:
        KeyFault: it is empty, too long, or holds a character that signed notes cannot carry.
    """
    if not _NAME.match(name):
        raise KeyFault(f"{name[:128]!r} cannot name a log: write a schema-less URL of letters, digits and . _ : / -, at most 128, a letter first")
    return name


def signer_in(directory: Path, name: str) -> Ed25519Signer:
    """The ledger's signer, its key kept in ``ledger-signing.pem`` (PKCS#8, mode 0600), made on first use.

    Raises:
        KeyFault: the file is open to others, unreadable or not an Ed25519 key.
    """
    path = directory / "ledger-signing.pem"
    kept_key(path, Ed25519PrivateKey.generate())
    return read_signer(path, name)


def kept_key(path: Path, fresh: Ed25519PrivateKey) -> None:
    """Writes the key to the file (PKCS#8, mode 0600), durably and once; a key that is there stays.

    Raises:
        KeyFault: the file cannot be written, or others may read it.
    """
    kept_secret(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def read_signer(path: Path, name: str) -> Ed25519Signer:
    """The signer whose key is in the file.

    Raises:
        KeyFault: the file is missing, open to others, unreadable or not an Ed25519 key.
    """
    try:
        key = load_pem_private_key(read_secret(path), password=None)
    except (ValueError, TypeError) as fault:
        raise KeyFault(f"{path} is not an unencrypted private key in PEM; restore it from the backup of the keys") from fault
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault(f"{path} is not an Ed25519 key; restore it from the backup of the keys")
    return Ed25519Signer(name, key)


def kept_secret(path: Path, fresh: bytes) -> bytes:
    """The secret in the file; ``fresh`` is written there, durably and once, when the file does not exist yet.

    Raises:
        KeyFault: the file cannot be read or written, or others may read it.
    """
    try:
        if not path.exists():
            _create(path, fresh)
    except OSError as fault:
        raise KeyFault(f"cannot use the key file {path}: {fault.strerror}") from fault
    return read_secret(path)


def read_secret(path: Path) -> bytes:
    """The secret in the file.

    Raises:
        KeyFault: the file cannot be read, or others may read it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFault(f"others may read {path}; run: chmod 600 {path}")
        return path.read_bytes()
    except OSError as fault:
        raise KeyFault(f"cannot use the key file {path}: {fault.strerror}") from fault


def _create(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    whole = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    # A hard link appears whole or not at all and never replaces a key that another process made meanwhile.
    with suppress(FileExistsError):
        path.hardlink_to(whole)
    whole.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
