"""What a pull does to its folder: names are given to whole files alone, and what the machine refuses is told."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hub.cli.faults import CliFault

_ROOM = "腾出空间后重新执行即可续传 make room and run again to go on"
_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "文件系统（如 FAT32）或进程限额（ulimit -f）容不下这样大的文件，请换一个目录或提高限额 "
    "the file system (such as FAT32), or a limit of the process (ulimit -f), takes no file so large: another --into DIR, or a higher limit",
}
_REMEDY = "请核对目录与权限 check folder and permissions"


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Tells of a file, or of what is written beside it, that the machine refuses.

    Raises:
        CliFault: it does.
    """
    try:
        yield
    except OSError as fault:
        raise CliFault(f"{path}: 无法读写 cannot be read or written: {fault.strerror}", _REMEDIES.get(fault.errno or 0, _REMEDY)) from None


def place(part: Path, whole: Path) -> None:
    """Gives a finished file its name, unless something has it.

    Raises:
        CliFault: something has.
    """
    try:
        os.link(part, whole)
    except FileExistsError:
        raise CliFault(f"已有另一同名文件，不予覆盖 another file has this name, and is not overwritten: {whole}", "--into DIR") from None
    except OSError:
        # File systems without hard links: nobody else writes here, for the folder is locked.
        if whole.exists():
            raise CliFault(f"已有另一同名文件，不予覆盖 another file has this name, and is not overwritten: {whole}", "--into DIR") from None
        part.rename(whole)
    part.unlink(missing_ok=True)
    with suppress(OSError):
        folder = os.open(whole.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a small file, whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(content)
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
