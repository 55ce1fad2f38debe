"""The keys that sign access tokens: ES256, one PEM file per key, whose name says from when on it signs. All of them verify."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

ALGORITHM = "ES256"
_CURVE = "P-256"
_STAMP = "%Y%m%dT%H%M%S%fZ"
_NAME = re.compile(r"(\d{8}T\d{12}Z)-")


class KeyFault(Exception):
    """A signing key cannot be used. ``message`` says which file and why, ``hint`` how to mend it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key of the ring. Its id is its RFC 7638 thumbprint, so a renamed file keeps its id."""

    kid: str
    starts: float
    """Unix seconds from which it signs, until the next one starts."""
    path: Path
    private: ECKey = field(repr=False)
    public: ECKey = field(repr=False)


class KeyRing:
    """The keys in a directory, as of the last ``refresh``. Safe to use from any thread.

    Files are ``<UTC time from which it signs>-<start of the id>.pem``, mode 0600. A key is published and verifies from the moment at which its
    file is there, and signs from its time on, so that whoever caches the public keys knows it before it signs.
    """

    def __init__(self, directory: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Reads the ring; in an empty or missing directory makes its first key.

        Raises:
            KeyFault: a file is not an ES256 key, or others than its owner may read it.
        """
        self._directory = directory
        self._clock = clock
        with _locked(directory):
            if not _files(directory):
                _write(directory, _new_key(), clock())
        self._seen: object = None
        self._keys: tuple[RingKey, ...] = ()
        self._public: Mapping[str, ECKey] = {}
        self.refresh()

    def refresh(self) -> bool:
        """Takes over what changed in the directory; whether anything did. A look that finds no change reads no key.

        Raises:
            KeyFault: a file cannot be used, or none is left; the keys of before stay in force.
        """
        seen = _listing(self._directory)
        if seen == self._seen:
            return False
        self._keys = keys = read_ring(self._directory)
        self._public = {key.kid: key.public for key in keys}
        self._seen = seen
        return True

    @property
    def verifying(self) -> Mapping[str, ECKey]:
        """Public keys by id, newest first."""
        return self._public

    @property
    def active(self) -> RingKey:
        """The key that signs now."""
        return signing(self._keys, self._clock())

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public key set, RFC 7517: what ``/oauth/jwks`` answers. Holds keys that do not sign yet, and those that sign no more."""
        return {"keys": [_as_jwk(kid, key) for kid, key in self._public.items()]}


def read_ring(directory: Path) -> tuple[RingKey, ...]:
    """The keys of a directory, newest first.

    Raises:
        KeyFault: a file cannot be used, or there is none.
    """
    keys = tuple(_load(path) for path in reversed(_files(directory)))
    if not keys:
        raise KeyFault(f"{directory} holds no signing key any more", "restore it from a backup, or: huitong keys rotate")
    return keys


def signing(keys: tuple[RingKey, ...], moment: float) -> RingKey:
    """The key that signs at a moment (Unix seconds): the newest that has started, else the one that starts first."""
    return next((key for key in keys if key.starts <= moment), keys[-1])


def add_key(directory: Path, starts: float) -> RingKey:
    """Makes a key that signs from ``starts`` (Unix seconds) on."""
    with _locked(directory):
        return _load(_write(directory, _new_key(), starts))


def _new_key() -> ECKey:
    """A key whose id does not begin with a hyphen, which a command line would take for an option."""
    while True:
        key = ECKey.generate_key(_CURVE)
        if not key.thumbprint().startswith("-"):
            return key


def _as_jwk(kid: str, key: ECKey) -> dict[str, str]:
    parts = key.as_dict(private=False)
    return {"kty": "EC", "crv": _CURVE, "x": str(parts["x"]), "y": str(parts["y"]), "use": "sig", "alg": ALGORITHM, "kid": kid}


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.pem"))


def _listing(directory: Path) -> list[tuple[str, int, int]]:
    try:
        with os.scandir(directory) as found:
            return sorted((one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in found if one.name.endswith(".pem"))
    except OSError as fault:
        raise KeyFault(f"{directory} cannot be read: {fault.strerror}", "restore it; until then the keys read before stay in force") from None


def _load(path: Path) -> RingKey:
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFault(f"the signing key {path} can be read by others than its owner", f"run: chmod 600 {path}")
        key = ECKey.import_key(path.read_bytes())
    except (OSError, ValueError, TypeError, AttributeError, JoseError) as fault:
        raise _unusable(path) from fault
    if not key.is_private or key.curve_name != _CURVE:
        raise _unusable(path)
    return RingKey(key.thumbprint(), _starts(path), path, key, ECKey.import_key(key.as_pem(private=False)))


def _starts(path: Path) -> float:
    """When a key begins to sign; one whose file was named otherwise has always done so."""
    found = _NAME.match(path.name)
    try:
        return datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC).timestamp() if found else 0.0
    except ValueError:
        return 0.0


def _unusable(path: Path) -> KeyFault:
    return KeyFault(f"{path} is not a private key on P-256 in PEM form", "restore it from a backup, or move it out of the directory")


def _write(directory: Path, key: ECKey, starts: float) -> Path:
    path = directory / f"{datetime.fromtimestamp(starts, UTC).strftime(_STAMP)}-{key.thumbprint()[:8]}.pem"
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.as_pem(private=True))
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    sync(directory)
    return path


def sync(directory: Path) -> None:
    """Makes what was added to or taken from a directory durable."""
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
