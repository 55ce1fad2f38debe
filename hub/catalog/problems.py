"""What is wrong with something that an administrator sent: every fault with its place and its remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. ``path`` is where (``resources[0].items[2].mask``), ``line`` the line in the text, both where known."""

    code: str
    message: str
    hint: str = ""
    path: str | None = None
    line: int | None = None


class Refused(Exception):
    """An administrative act that was not done, and nothing of it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.code} {p.path or ''} {p.message}" for p in problems))
        self.problems = problems


_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-]+)\s*=")


class Lines:
    """Finds the line of a path in a TOML text: headers and keys, as people write them; inline tables stand on their key's line."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        counts: dict[str, int] = {}
        prefix = ""
        for number, line in enumerate(text.splitlines(), 1):
            if header := _HEADER.match(line):
                prefix = _prefix(header[1] == "[[", [part.strip(" \"'") for part in header[2].split(".")], counts)
                self._lines.setdefault(prefix, number)
            elif key := _KEY.match(line):
                self._lines.setdefault(f"{prefix}.{key[1]}" if prefix else key[1], number)

    def line(self, path: str) -> int | None:
        """The line of the path, or of the nearest thing around it."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = re.sub(r"(\.[^.\[]+|\[\d+\])\Z", "", path) if re.search(r"[.\[]", path) else ""
        return None


def _prefix(several: bool, parts: Sequence[str], counts: dict[str, int]) -> str:
    path = ""
    for i, part in enumerate(parts):
        path = f"{path}.{part}" if path else part
        if i == len(parts) - 1 and several:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = f"{path}[{counts[path]}]"
    return path


def path_of(location: Sequence[str | int]) -> str:
    """``("resources", 0, "items")`` → ``resources[0].items``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


PYDANTIC_TEXTS: Mapping[str, tuple[str, str]] = {
    "missing": ("缺少必填项 required entry is missing", "请补充该项 add it"),
    "extra_forbidden": ("未知的键 unknown key", "请检查拼写 check the spelling"),
    "enum": ("取值不在允许范围内 value is not one of those allowed", ""),
    "literal_error": ("取值不在允许范围内 value is not one of those allowed", ""),
    "string_pattern_mismatch": ("格式不正确 wrong format", ""),
}
