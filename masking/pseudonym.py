"""Keyed pseudonyms: an identifier becomes one text per consumer or joint project, and nobody without the key finds the way back or across."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from masking.canonical import canonical_identifier
from masking.rules import Mask

ALGORITHM = "PSEUDONYM"
DATASET = "city"
"""The group of data within which equal values have equal pseudonyms: all departments' resources, so that a consumer can join them."""
LENGTH = 26
"""Characters of Base32, 5 bits each: 130 bits of the HMAC."""
SECRET_BYTES = 32
PUBLIC = "public"
"""The consumer that everybody is who has not identified himself."""
DIGESTS: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {"SM3": hashes.SM3, "SHA256": hashes.SHA256}
"""Hash functions of HKDF (RFC 5869) and HMAC (RFC 2104): SM3 is GB/T 32905-2016."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One version of the secret from which the keys of all consumers are derived."""

    version: int
    digest: str
    """``SM3`` or ``SHA256``."""
    secret: bytes = field(repr=False)
    id: str = field(init=False)
    """Names exactly this secret and tells nothing of it."""

    def __post_init__(self) -> None:
        if self.digest not in DIGESTS or len(self.secret) != SECRET_BYTES or self.version < 1:
            raise ValueError("a master key has a version from 1 on, a digest of SM3 or SHA256, and 32 bytes")
        object.__setattr__(self, "id", f"{self.version}-{derived(self, 'key id', '')[:8].hex()}")


class Keyring:
    """The master keys that this process holds, by id. Safe to use from any thread."""

    def __init__(self) -> None:
        self._held: dict[str, Mapping[str, MasterKey]] = {}
        self._keys: Mapping[str, MasterKey] = {}
        self._lock = threading.Lock()

    def hold(self, owner: str, keys: Iterable[MasterKey]) -> None:
        """Replaces the keys of one owner, a hub of this process."""
        with self._lock:
            self._held[owner] = {key.id: key for key in keys}
            self._keys = {id_: key for held in self._held.values() for id_, key in held.items()}

    def find(self, key_id: str) -> MasterKey | None:
        """The key of an id, if it is here."""
        return self._keys.get(key_id)


KEYS = Keyring()
"""Where masks find the key whose id they carry, so that no secret lies in a mask, a plan or a cache's key."""


def derived(key: MasterKey, kind: str, name: str) -> bytes:
    """32 bytes for one purpose: ``kind`` is ``consumer`` or ``project``, ``name`` which one."""
    info = "\0".join(("huitong pseudonym", kind, name, DATASET, str(key.version))).encode()
    return HKDF(DIGESTS[key.digest](), 32, None, info).derive(key.secret)


def pseudonymises(mask: Mask | None) -> bool:
    """Whether the rule makes pseudonyms."""
    return mask is not None and mask.algorithm == ALGORITHM


def project_of(mask: Mask) -> str:
    """The joint project that the rule names; empty where there is none."""
    return str(mask.parameters[0]) if mask.parameters else ""


def bound(mask: Mask, consumer: str, key_id: str, version: int) -> Mask:
    """The rule for one consumer under one key. Its version is the key's, unless a declaration has its own. Nobody is the public of a project."""
    project = project_of(mask)
    if project and consumer == PUBLIC:
        return mask
    return replace(mask, parameters=(project, "" if project else consumer, key_id), version=mask.version if mask.name else version)


def pseudonyms(mask: Mask) -> Callable[[object], str | None]:
    """The function of a rule that is bound to a consumer; it withholds every value where the rule is not, or while its key is not here."""
    if len(mask.parameters) != 3:
        return _withheld
    project, consumer, key_id = (str(part) for part in mask.parameters)
    if not (project or consumer):
        return _withheld
    whose = ("project", project) if project else ("consumer", consumer)
    key = KEYS.find(key_id)
    return _with_key(key, whose) if key is not None else _once_there(key_id, whose)


def _withheld(_value: object) -> None:
    return None


def _once_there(key_id: str, whose: tuple[str, str]) -> Callable[[object], str | None]:
    """For a key that is not here yet: functions of masks are kept, and its file may be copied here meanwhile."""

    def pseudonym(value: object) -> str | None:
        key = KEYS.find(key_id)
        return _with_key(key, whose)(value) if key is not None else None

    return pseudonym


def _with_key(key: MasterKey, whose: tuple[str, str]) -> Callable[[object], str | None]:
    keyed, prefix = hmac.HMAC(derived(key, *whose), DIGESTS[key.digest]()), f"p{key.version}_"

    def pseudonym(value: object) -> str | None:
        if not isinstance(value, str) or "\0" in value:
            return None
        try:
            content = canonical_identifier(value).encode()
        except ValueError:
            return None
        if not content:
            return None
        each = keyed.copy()
        each.update(content)
        return prefix + base64.b32encode(each.finalize()[:20])[:LENGTH].decode().lower()

    return pseudonym
