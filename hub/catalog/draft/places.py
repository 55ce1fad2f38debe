"""What a table, view or file is called, by its object."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from connectors.spi import ObjectDescription

_NAME = re.compile(r'"((?:[^"]|"")*)"\Z|([^".]+)\Z')
_STAMP = re.compile(r"[_.-]?\{(?:date|n)\}")


def called(object_: str, kind: str) -> tuple[str | None, str]:
    """Schema or folder, and bare name: ``public."用户 信息"`` → ``public``, ``用户 信息``; ``permits/{date}.csv`` → ``permits``."""
    if kind == "files":
        return _file(PurePosixPath(object_))
    found = _NAME.search(object_)
    if found is None:
        return None, object_
    schema = object_[: found.start()].rstrip(".").strip('"')
    return schema or None, (found[1] or found[2] or "").replace('""', '"')


def _file(path: PurePosixPath) -> tuple[str | None, str]:
    folders = [part for part in (_STAMP.sub("", folder) for folder in path.parent.parts) if part]
    name = _STAMP.sub("", path.name).partition(".")[0].strip("_- ")
    if not name:
        name = folders.pop() if folders else path.name
    return "_".join(folders) or None, name


def what(described: ObjectDescription, kind: str) -> str:
    """What it is, for a description that nobody has written yet."""
    noun = "文件 file" if kind == "files" else "视图 view" if described.view else "数据表 table"
    return f"{noun} {described.binding.object}"
