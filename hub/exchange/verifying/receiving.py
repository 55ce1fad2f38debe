"""An upload on its way: from the connection to the disk, piece by piece, and through the process that looks at it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson
from anyio import CapacityLimiter, to_thread

import hub
from schema.faults import Code, Fault, bad_input

PIECE_SECONDS = 30.0
"""Between two pieces of a body."""
WHOLE_SECONDS = 600.0
LOOK_SECONDS = 180.0
AT_ONCE = 4
"""Uploads under way in this process; one of each application."""
_HELD = 1 << 20
_ROOT = Path(hub.__file__).parent.parent
_UNPACKED = 8
"""Times the largest upload: what its rows in the one form may take on the disk."""


class Slots:
    """Who uploads now. Lives on the event loop."""

    def __init__(self) -> None:
        self._busy: set[str] = set()
        self.looking = CapacityLimiter(2)
        """Of processes that look at files."""

    def slot(self, application: str) -> Slot:
        """A place for one upload.

        Raises:
            Fault: ``RATE_LIMITED`` where the application has one under way, or the hub too many.
        """
        if application in self._busy or len(self._busy) >= AT_ONCE:
            zh, en = "正在接收其他文件", "another file is being received"
            raise Fault(Code.RATE_LIMITED, zh, en, "请待其完成后重试", "try again when it is done", retry_after=5)
        return Slot(self._busy, application)


class Slot(AbstractContextManager[None]):
    """Held while an upload is under way."""

    def __init__(self, busy: set[str], application: str) -> None:
        self._busy, self._application = busy, application
        busy.add(application)

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._busy.discard(self._application)


class TooLarge(Fault):
    """The body is larger than an upload may be: HTTP status 413."""

    def __init__(self, mib: int) -> None:
        super().__init__(Code.BAD_INPUT, f"文件超过 {mib} MiB", f"the file is larger than {mib} MiB", "请分成几个文件", "divide the file")


async def receive(pieces: AsyncIterator[bytes], path: Path, mib: int) -> tuple[int, str]:
    """Writes a body to a new file for its owner alone, with never more than a piece in memory; bytes, and SHA-256 in hexadecimal.

    Raises:
        Fault: it is too large, empty, or too slow.
    """
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", buffering=_HELD) as file:
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                while (piece := await _next(pieces)) is not None:
                    size += len(piece)
                    if size > mib * 1024 * 1024:
                        raise TooLarge(mib)
                    digest.update(piece)
                    await to_thread.run_sync(file.write, piece)
        except TimeoutError:
            raise bad_input("文件未及时送达", "the file did not arrive in time", "请重试", "try again") from None
    if not size:
        raise bad_input("文件为空", "the file is empty", "请上传一个表格", "send a table")
    return size, digest.hexdigest()


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    async with asyncio.timeout(PIECE_SECONDS):
        return await anext(pieces, None)


def look(format_: str, charset: str, path: Path, out: Path, mib: int) -> dict[str, Any]:
    """What a process of its own finds in the file, whose rows it leaves in ``out`` in the one form: ``{rows, columns}``. For worker threads.

    Raises:
        Fault: ``BAD_INPUT``, naming the line.
    """
    most = str(_UNPACKED * mib * 1024 * 1024)
    command = [sys.executable, "-m", "hub.exchange.verifying.child", format_, charset, str(path), str(out), most, str(os.getpid())]
    try:
        # Without the environment: the hub's settings are none of its business.
        done = subprocess.run(command, cwd=_ROOT, env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=LOOK_SECONDS, check=False)
        found: dict[str, Any] = orjson.loads(done.stdout)
    except (subprocess.TimeoutExpired, orjson.JSONDecodeError):
        found = {"zh": "文件无法读取", "en": "the file cannot be read", "hint_zh": "请重新导出，或用 CSV", "hint_en": "export it again, or use CSV"}
    if "rows" not in found:
        raise bad_input(found["zh"], found["en"], found["hint_zh"], found["hint_en"])
    return found
