"""A file that is written once from its beginning to its end, with its digests and its length."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes

_BEHIND = 1024 * 1024
"""After so many bytes the disk is told to begin: what is left for the end keeps nobody waiting, neither this file nor a ledger on the same disk."""


class Sink:
    """What writers write into; Arrow's take it as a Python file. The file is new, and can be read by its owner alone.

    Raises:
        OSError: the file is there, for somebody else writes it; or the disk refused, which is kept in
            ``fault``, because a writer may tell it in words of its own.
    """

    def __init__(self, path: Path, *, sm3: bool = False) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._digest = hashlib.sha256()
        self._sm3 = hashes.Hash(hashes.SM3()) if sm3 else None
        self.bytes = 0
        self._begun = 0
        self.fault: OSError | None = None
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self.closed = False

    def write(self, data: Any) -> int:
        """Writes all of it."""
        view = memoryview(data).cast("B")
        try:
            done = 0
            while done < len(view):
                done += os.write(self._file, view[done:])
        except OSError as fault:
            self.fault = fault
            raise
        self._digest.update(view)
        if self._sm3 is not None:
            self._sm3.update(bytes(view))
        self.bytes += len(view)
        if self.bytes - self._begun >= _BEHIND:
            # Linux begins to write what of it is dirty, and forgets nothing that is not written.
            os.posix_fadvise(self._file, self._begun, self.bytes - self._begun, os.POSIX_FADV_DONTNEED)
            self._begun = self.bytes
        return len(view)

    def writable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is not."""
        return False

    def seekable(self) -> bool:
        """It is not."""
        return False

    def tell(self) -> int:
        """Bytes written so far."""
        return self.bytes

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Writers that close what they write into close nothing here: see :meth:`finish`."""

    def finish(self) -> tuple[str, str | None]:
        """Puts it on the disk, its name included; SHA-256 and, where wanted, SM3 (GB/T 32905-2016) in hexadecimal."""
        try:
            os.fsync(self._file)
        except OSError as fault:
            self.fault = fault
            raise
        self._shut()
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return self._digest.hexdigest(), None if self._sm3 is None else self._sm3.finalize().hex()

    def discard(self) -> None:
        """Leaves nothing behind."""
        self._shut()
        self._path.unlink(missing_ok=True)

    def _shut(self) -> None:
        if not self.closed:
            self.closed = True
            os.close(self._file)
