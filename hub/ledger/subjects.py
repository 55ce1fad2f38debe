"""Keyed hashes of data subjects: the ledger can be asked who was read, and does not say it."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path

from hub.ledger.errors import KeyFault
from hub.ledger.keys import kept_secret
from hub.ledger.macs import Macs

LENGTH = 32
"""Hexadecimal digits of a subject's hash: 128 bits."""
WIDTH = LENGTH // 2
_KEY_BYTES = 32
SUBJECT_KEY = "ledger-subjects.key"
"""The key's file, among the hub's keys."""
_NAMES = b"huitong: sets of subjects, AES-256-CMAC\x00"
"""Names what the keys of CMACs are derived for; exchanges' sets had them before calls did."""
_MOST_KINDS = 4096
"""Kinds that are kept begun: a catalog's identifiers and resources."""


class Subjects:
    """Turns identifiers into the hashes by which the ledger names subjects: AES-CMAC (RFC 4493), which is computed of many at once.

    The same person has the same hash in every resource with that kind of identifier, so that a leaked record is traceable to the calls that carried it.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _KEY_BYTES:
            raise KeyFault(f"a subject key has at least {_KEY_BYTES} bytes")
        self.key = key
        """For processes of the hub's own that hash too; it is not to be shown."""
        self._kinds: dict[str, Macs] = {}

    @classmethod
    def in_directory(cls, directory: Path) -> Subjects:
        """With the key of ``ledger-subjects.key`` (hexadecimal, mode 0600), made on first use.

        Raises:
            KeyFault: the file is open to others, unreadable or not a key.
        """
        path = directory / SUBJECT_KEY
        try:
            return cls(bytes.fromhex(kept_secret(path, secrets.token_hex(_KEY_BYTES).encode()).decode("ascii")))
        except ValueError as fault:
            raise KeyFault(f"{path} is not a key in hexadecimal; restore it from the backup of the keys") from fault

    def digests(self, kind: str, values: Iterable[str]) -> list[bytes]:
        """The hashes of subjects of one kind, 16 bytes each: ``kind`` is the identifier's kind (``id_number``, ``uscc``), values in canonical form."""
        return self._of(kind).of([value.encode() for value in values])

    def name(self, kind: str, value: str) -> str:
        """The hash of one subject, in hexadecimal."""
        return self.digests(kind, (value,))[0].hex()

    def every(self, kind: str, value: str) -> tuple[str, str]:
        """The hashes by which one subject is named: now, and by calls before they had CMACs."""
        return self.name(kind, value), self.hash(kind, value)

    def key_of(self, kind: str) -> bytes:
        """The AES-256 key of subjects of one kind: HMAC-SHA-256 over a name of its own and the kind."""
        return hmac.digest(self.key, _NAMES + kind.encode(), "sha256")

    def hash(self, kind: str, value: str) -> str:
        """HMAC-SHA-256 (RFC 2104) of a value of this kind, the first 32 hexadecimal digits: by it budgets and what else the hub keeps know a value."""
        return hmac.digest(self.key, kind.encode() + b"\x00" + value.encode(), "sha256")[:WIDTH].hex()

    def _of(self, kind: str) -> Macs:
        found = self._kinds.get(kind)
        if found is None:
            found = Macs(self.key_of(kind))
            if len(self._kinds) < _MOST_KINDS:
                self._kinds[kind] = found
        return found
