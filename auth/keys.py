"""The keys that sign access tokens: ES256, one PEM file per key, the newest signs, the others still verify."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

ALGORITHM = "ES256"
_CURVE = "P-256"


class KeyFault(Exception):
    """A signing key cannot be used. ``message`` says which file and why, ``hint`` how to mend it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The key ring, read once. A key's id is its RFC 7638 thumbprint, so a renamed file keeps its id."""

    active: ECKey = field(repr=False)
    verifying: Mapping[str, ECKey] = field(repr=False)
    """Public keys by id, the active one included, newest first."""

    @classmethod
    def open(cls, directory: Path) -> SigningKeys:
        """Read the ring; in an empty or missing directory make its first key.

        Files are ``<UTC time of making>-<start of the id>.pem``, mode 0600; the last by name signs. A key is retired by removing its
        file once the last token that it signed has expired, and starting again.

        Raises:
            KeyFault: a file is not an ES256 key, or others than its owner may read it.
        """
        with _locked(directory):
            if not _files(directory):
                _make(directory)
            return cls._read(directory)

    @classmethod
    def rotate(cls, directory: Path) -> SigningKeys:
        """Make a new signing key; those before it keep verifying. Running hubs use it after their next start."""
        with _locked(directory):
            _make(directory)
            return cls._read(directory)

    @classmethod
    def _read(cls, directory: Path) -> SigningKeys:
        keys = [_load(path) for path in reversed(_files(directory))]
        return cls(keys[0], {key_id(key): _public(key) for key in keys})

    @property
    def active_id(self) -> str:
        """The ``kid`` of the key that signs."""
        return key_id(self.active)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public key set, RFC 7517: what ``/oauth/jwks`` answers."""
        return {"keys": [_as_jwk(kid, key) for kid, key in self.verifying.items()]}


def key_id(key: ECKey) -> str:
    """The RFC 7638 thumbprint of a key, the same for its public and private half."""
    return key.thumbprint()


def _as_jwk(kid: str, key: ECKey) -> dict[str, str]:
    parts = key.as_dict(private=False)
    return {"kty": "EC", "crv": _CURVE, "x": str(parts["x"]), "y": str(parts["y"]), "use": "sig", "alg": ALGORITHM, "kid": kid}


def _public(key: ECKey) -> ECKey:
    return ECKey.import_key(key.as_pem(private=False))


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.pem"))


def _load(path: Path) -> ECKey:
    if path.stat().st_mode & 0o077:
        raise KeyFault(f"the signing key {path} can be read by others than its owner", f"run: chmod 600 {path}")
    try:
        key = ECKey.import_key(path.read_bytes())
    except (ValueError, TypeError, AttributeError, JoseError) as fault:
        raise _unusable(path) from fault
    if not key.is_private or key.curve_name != _CURVE:
        raise _unusable(path)
    return key


def _unusable(path: Path) -> KeyFault:
    return KeyFault(f"{path} is not a private key on P-256 in PEM form", "restore it from a backup, or move it out of the directory")


def _make(directory: Path) -> None:
    key = ECKey.generate_key(_CURVE)
    made = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    path = directory / f"{made}-{key_id(key)[:8]}.pem"
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.as_pem(private=True))
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    _sync(directory)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Holds the directory alone, so that two hubs which start together do not make two first keys."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
