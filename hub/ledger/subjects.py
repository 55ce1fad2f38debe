"""Keyed hashes of data subjects: the ledger can be asked who was read, and does not say it."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

from hub.ledger.errors import KeyFault
from hub.ledger.keys import kept_secret

LENGTH = 32
"""Hexadecimal digits of a subject's hash: 128 bits."""
_KEY_BYTES = 32


class Subjects:
    """Turns identifiers into the ledger's subject hashes: HMAC-SHA-256 (RFC 2104), the first 32 hexadecimal digits.

    The same person has the same hash in every resource with that kind of identifier, so that a leaked record is traceable to the calls that carried it.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _KEY_BYTES:
            raise KeyFault(f"a subject key has at least {_KEY_BYTES} bytes")
        # Begun once with the key: a message of its own costs a third, and the interpreter is not given up for it.
        self._begun = hmac.new(key, digestmod="sha256")

    @classmethod
    def in_directory(cls, directory: Path) -> Subjects:
        """With the key of ``ledger-subjects.key`` (hexadecimal, mode 0600), made on first use.

        Raises:
            KeyFault: the file is open to others, unreadable or not a key.
        """
        path = directory / "ledger-subjects.key"
        try:
            return cls(bytes.fromhex(kept_secret(path, secrets.token_hex(_KEY_BYTES).encode()).decode("ascii")))
        except ValueError as fault:
            raise KeyFault(f"{path} is not a key in hexadecimal; restore it from the backup of the keys") from fault

    def hash(self, kind: str, value: str) -> str:
        """The hash of one subject: ``kind`` is the identifier's kind (``id_number``, ``uscc``), ``value`` its canonical form."""
        made = self._begun.copy()
        made.update(f"{kind}\x00{value}".encode())
        return made.hexdigest()[:LENGTH]
