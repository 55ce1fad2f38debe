"""One file on its way in: a part that grows and may be gone on with, and takes its name once its digest is that of the manifest."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG
from typing import Any

import httpx2
import orjson
from cryptography.hazmat.primitives import hashes

from hub.cli.faults import CliFault
from hub.cli.pulling.disk import place, usable, write_whole
from hub.cli.pulling.listing import PART, SIDECAR, Listed
from hub.cli.pulling.remote import Again, Remote, Trying

PIECE = 1 << 18
_TAMPERED = "请勿使用，并告知大数据主管部门 do not use it, and tell the administration"


class Sums:
    """SHA-256, and SM3 where the manifest has it, of what came so far."""

    def __init__(self, sm3: bool) -> None:
        self._sha256 = hashlib.sha256()
        self._sm3 = hashes.Hash(hashes.SM3()) if sm3 else None
        self.bytes = 0

    def take(self, piece: bytes) -> None:
        """The next bytes."""
        self._sha256.update(piece)
        if self._sm3 is not None:
            self._sm3.update(piece)
        self.bytes += len(piece)

    def are(self, file: Listed) -> bool:
        """Whether all this is the file; asked once."""
        sm3 = None if self._sm3 is None else self._sm3.finalize().hex()
        return (self.bytes, self._sha256.hexdigest(), sm3) == (file.bytes, file.sha256, file.sm3)


def sums_of(path: Path, file: Listed) -> Sums:
    """The sums of what is there."""
    made = Sums(file.sm3 is not None)
    with path.open("rb") as content:
        while piece := content.read(PIECE):
            made.take(piece)
    return made


class Coming:
    """A file that is being pulled into a folder; ``came`` is told of bytes as they come, and of those that must come again."""

    def __init__(self, folder: Path, exchange: str, file: Listed, came: Callable[[int], None]) -> None:
        self._exchange, self._file, self._came = exchange, file, came
        self._whole = folder / file.name
        self._part = folder / f"{file.name}{PART}"
        self._sidecar = folder / f"{file.name}{SIDECAR}"
        self._told = 0

    async def is_there(self) -> bool:
        """Whether the file is there, whole.

        Raises:
            CliFault: another one has its name, or the part of another one; or the folder cannot be used.
        """
        with usable(self._whole):
            return await self._look()

    async def _look(self) -> bool:
        if self._whole.exists() or self._whole.is_symlink():
            if not self._whole.is_file() or self._whole.is_symlink() or not (await asyncio.to_thread(sums_of, self._whole, self._file)).are(self._file):
                raise CliFault(f"已有另一同名文件，不予覆盖 another file has this name, and is not overwritten: {self._whole}", "--into DIR")
            if self._is_mine():
                # A pull that was killed while it gave the file its name.
                self._part.unlink(missing_ok=True)
                self._sidecar.unlink()
            return True
        if self._is_begun():
            if not (self._is_mine() and self._is_file()):
                raise CliFault(f"目录中有另一文件的未完成部分 the part of another file is there: {self._part}", "--into DIR；或删除该部分 or delete it")
        else:
            write_whole(self._sidecar, orjson.dumps(self._mine()))
        return False

    def _mine(self) -> dict[str, Any]:
        return {"exchange": self._exchange, "name": self._file.name, "bytes": self._file.bytes, "sha256": self._file.sha256}

    def _is_mine(self) -> bool:
        """Whether what lies beside is of this file of this exchange."""
        return bool(_read(self._sidecar) == self._mine())

    def _is_begun(self) -> bool:
        return os.path.lexists(self._part) or self._sidecar.exists()

    def _is_file(self) -> bool:
        """Whether the part can be gone on with: whoever reads a pipe waits for ever, and a link leads elsewhere."""
        return not os.path.lexists(self._part) or S_ISREG(self._part.lstat().st_mode)

    async def pull(self, remote: Remote, trying: Trying) -> None:
        """Brings it in, from where it ended before.

        Raises:
            CliFault: the hub refuses, nothing comes any more, there is no room, or what comes is not the file of the manifest.
        """
        with usable(self._whole):
            for _ in range(2):
                sums = await trying.insist(lambda: self._attempt(remote, trying))
                if sums.are(self._file):
                    self._settle()
                    return
                # A part whose disk or machine failed is not worth its bytes: once it is brought in anew.
                self._part.unlink()
        raise CliFault(f"{self._file.name}: 内容与清单的摘要不符 what came has not the digest of the manifest", _TAMPERED)

    async def _attempt(self, remote: Remote, trying: Trying) -> Sums:
        sums = await asyncio.to_thread(self._so_far)
        self._tell(sums.bytes)
        if sums.bytes == self._file.bytes and self._part.exists():
            return sums
        headers = {"range": f"bytes={sums.bytes}-", "if-range": self._file.etag} if sums.bytes else {}
        async with remote.answer(f"/exchanges/{self._exchange}/files/{self._file.name}", headers) as answer:
            if answer.status_code != 206:
                sums = Sums(self._file.sm3 is not None)
            self._check(answer, sums.bytes)
            await self._take(answer, sums, trying)
        if sums.bytes < self._file.bytes:
            raise Again(f"{self._file.name}: 传输提前结束 the transfer ended early")
        return sums

    async def _take(self, answer: httpx2.Response, sums: Sums, trying: Trying) -> None:
        with os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "wb", buffering=0) as part:
            part.truncate(sums.bytes)
            part.seek(sums.bytes)
            self._tell(sums.bytes)
            # As it comes: pieces of a given size would be collected first, and be lost where the connection drops.
            async for piece in answer.aiter_raw():
                if sums.bytes + len(piece) > self._file.bytes:
                    raise CliFault(f"{self._file.name}: 内容多于清单所列 more comes than the manifest names", _TAMPERED)
                _all(part, piece)
                sums.take(piece)
                self._tell(sums.bytes)
                trying.gained()
            os.fsync(part.fileno())

    def _so_far(self) -> Sums:
        """What a pull before this one brought in."""
        if not self._part.exists() or self._part.stat().st_size > self._file.bytes:
            return Sums(self._file.sm3 is not None)
        return sums_of(self._part, self._file)

    def _check(self, answer: httpx2.Response, at: int) -> None:
        """Raises where the answer is not this file from there on: a part of one file is never joined to one of another."""
        told = answer.headers.get("content-range")
        expected = f"bytes {at}-{self._file.bytes - 1}/{self._file.bytes}" if answer.status_code == 206 else None
        if answer.headers.get("etag") != self._file.etag or told != expected:
            raise CliFault(f"{self._file.name}: 应答的不是清单所列文件 what answers is not the file of the manifest", _TAMPERED)

    def _tell(self, at: int) -> None:
        self._came(at - self._told)
        self._told = at

    def _settle(self) -> None:
        place(self._part, self._whole)
        self._sidecar.unlink(missing_ok=True)


def _all(file: Any, piece: bytes) -> None:
    """Writes all of it: an unbuffered file may take less."""
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


def _read(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
