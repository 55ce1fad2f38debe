"""Files that a command is given to read."""

from __future__ import annotations

from pathlib import Path

from hub.cli.faults import CliFault


def read_text(path: Path) -> str:
    """The file's text.

    Raises:
        CliFault: it cannot be read, or is no UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CliFault(f"{path} 不是 UTF-8 文本 is no UTF-8 text", "iconv -f GB18030 -t UTF-8 …") from None
    except OSError as fault:
        raise CliFault(f"{path} 无法读取 cannot be read: {fault.strerror}", "请核对路径与权限 check path and permissions") from None
