"""Names of deliveries: ``permits.csv``, or ``permits/{date}.csv`` where every delivery has its own date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

DATE, NUMBER = "{date}", "{n}"
_DATE_TEXT = r"(?P<date>\d{4}-\d{2}-\d{2}|\d{8})"
_NUMBER_TEXT = r"(?:[_.-]?(?P<n>\d{1,9}))?"
_DATED_NAME = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2}|\d{8})(?!\d)(?:_(\d{1,4})(?=\.))?")
UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a name says of its delivery."""

    date: date | None = None
    number: int = 0


def pattern_problem(text: str) -> tuple[str, str] | None:
    """What is wrong with an ``object`` of a files source, in Chinese and English, and the remedy."""
    rest = text.replace(DATE, "").replace(NUMBER, "")
    if text.count(DATE) > 1 or text.count(NUMBER) > 1:
        return "{date} 与 {n} 至多各一个 at most one {date} and one {n}", 'object = "permits/{date}_{n}.csv"'
    if NUMBER in text and DATE not in text:
        return "{n} 须与 {date} 同用 {n} needs {date}", 'object = "permits/{date}_{n}.csv"'
    if NUMBER in text and "/" in text[text.index(DATE) : text.index(NUMBER)]:
        return "{n} 与 {date} 须在同一名称中 {n} stands in the same name as {date}", 'object = "permits/{date}_{n}.csv"'
    if re.search(r"[{}*?\[\]\\]", rest):
        return "名称中只可用 {date} 与 {n} only {date} and {n} may stand in the name", "不支持通配符 there are no wildcards"
    parts = text.split("/")
    if text.startswith("/") or any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        return "须为数据源目录之内的相对路径 it must be a path inside the source's folder", "不得含 .. 或隐藏名称 no `..` and no hidden names"
    return None


class Pattern:
    """An object's name, part by part. ``object`` has no :func:`pattern_problem`."""

    def __init__(self, text: str) -> None:
        self.parts = tuple(text.split("/"))
        self._expressions = [re.compile(_expression(part)) if DATE in part else None for part in self.parts]

    def literal(self, level: int) -> bool:
        """The part of this level is a plain name."""
        return self._expressions[level] is None

    def match(self, level: int, name: str) -> Stamp | None:
        """What the name says, where the part of this level fits it; a date that does not exist does not fit."""
        expression = self._expressions[level]
        if expression is None:
            return Stamp() if name == self.parts[level] else None
        found = expression.fullmatch(name)
        if found is None:
            return None
        day = real_date(found["date"])
        return None if day is None else Stamp(day, int(found.groupdict().get("n") or 0))


def _expression(part: str) -> str:
    text = re.escape(part).replace(re.escape(DATE), _DATE_TEXT)
    return re.sub(r"(?:_|\\\.|\\-)?" + re.escape(re.escape(NUMBER)), lambda _: _NUMBER_TEXT, text)


def real_date(text: str) -> date | None:
    """The date in a name."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def generalised(name: str) -> str:
    """The object under which a found file is one delivery of several: its date as ``{date}``."""
    found = _DATED_NAME.search(name)
    if found is None or real_date(found[1]) is None:
        return name
    return name[: found.start()] + (DATE if found[2] is None else f"{DATE}_{NUMBER}") + name[found.end() :]


def unfinished(name: str) -> bool:
    """A name that writers use before a file is whole, or that is hidden."""
    return name.startswith((".", "~$")) or name.lower().endswith(UNFINISHED)
