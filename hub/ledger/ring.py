"""The log's signing keys as they lie in a directory; the control database says which of them is in force."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.ledger.errors import KeyFault, KeyMissing
from hub.ledger.keys import Ed25519Signer, VerifierKey, check_name, kept_key, read_signer, signer_in

FILES = "ledger-signing*.pem"


class KeyRing:
    """A signer that changes: it signs with the key that was last found to be in force. Files that were added meanwhile are found by themselves."""

    algorithm = Ed25519Signer.algorithm

    def __init__(self, directory: Path, log: str) -> None:
        self.log = check_name(log)
        self._directory = directory
        self._signers: dict[str, Ed25519Signer] = {}
        self._present: Ed25519Signer | None = None
        self._reading = Lock()
        self.missing: str | None = None
        """Id of the key in force, while this directory has it not. Readiness depends on it."""

    @property
    def present(self) -> Ed25519Signer:
        """The signer that was last in force.

        Raises:
            KeyMissing: none was yet.
        """
        if self._present is None:
            raise KeyMissing(self.missing or "?", self._directory)
        return self._present

    @property
    def key_id(self) -> str:
        """Of the key last in force."""
        return self.present.key_id

    @property
    def verifier_key(self) -> VerifierKey:
        """Of the key last in force."""
        return self.present.verifier_key

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""
        return self.present.sign(message)

    def in_force(self, key_id: str) -> Ed25519Signer:
        """The signer of the key that the control database says is in force.

        Raises:
            KeyMissing: the directory does not have it.
        """
        present = self._present
        if present is None or present.key_id != key_id:
            present = self._found(key_id)
        self._present, self.missing = present, None
        return present

    def first(self) -> Ed25519Signer:
        """The key of a new log, made where there is none.

        Raises:
            KeyFault: the file cannot be used.
        """
        return signer_in(self._directory, self.log)

    def make(self) -> Ed25519Signer:
        """A further key, written durably; it signs nothing before it is announced.

        Raises:
            KeyFault: the file cannot be written.
        """
        key = Ed25519PrivateKey.generate()
        made = Ed25519Signer(self.log, key)
        kept_key(self._directory / f"ledger-signing-{made.key_id}.pem", key)
        return made

    def held(self) -> dict[str, Path]:
        """The files by the ids of their keys.

        Raises:
            KeyFault: a file cannot be used.
        """
        return {read_signer(path, self.log).key_id: path for path in sorted(self._directory.glob(FILES))}

    def _found(self, key_id: str) -> Ed25519Signer:
        with self._reading:
            if key_id not in self._signers:
                self._read()
            if key_id not in self._signers:
                self.missing = key_id
                raise KeyMissing(key_id, self._directory)
            return self._signers[key_id]

    def _read(self) -> None:
        """A file that cannot be used must not keep another, which is in force, from being found."""
        for path in sorted(self._directory.glob(FILES)):
            try:
                signer = read_signer(path, self.log)
            except KeyFault:
                continue
            self._signers[signer.key_id] = signer
