"""What an uploaded table may be, and the one form into which it is brought: a JSON array of plain values per row. Imports nothing of the hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

import orjson

MOST_ROWS = 1_000_000
MOST_COLUMNS = 50
MOST_NAME = 100
"""Characters of a column's name."""
MOST_CELL = 2_000
"""Characters of a value."""

_APART = frozenset(",;\"'")
Cell = str | int | float | bool | None


class Malformed(Exception):
    """The table cannot be taken. Says where and what, and how to mend it, and no value of it."""

    def __init__(self, zh: str, en: str, hint_zh: str = "", hint_en: str = "") -> None:
        super().__init__(en)
        self.zh, self.en, self.hint_zh, self.hint_en = zh, en, hint_zh, hint_en


class Where(NamedTuple):
    """A row's place in its file, as messages tell it."""

    zh: str
    en: str


def in_line(number: int) -> Where:
    """A line of a text, counted from 1."""
    return Where(f"第 {number} 行", f"line {number}")


def at_line(line: int, zh: str, en: str, hint_zh: str, hint_en: str) -> Malformed:
    """Something is wrong in a line, counted from 1."""
    where = in_line(line)
    return Malformed(f"{where.zh}：{zh}", f"{where.en}: {en}", hint_zh, hint_en)


def check_columns(names: Sequence[str]) -> list[str]:
    """The columns' names, without blanks around them.

    Raises:
        Malformed: one is missing, too long, there twice, or cannot be seen.
    """
    made = [name.strip() for name in names]
    if len(made) > MOST_COLUMNS:
        raise Malformed(f"列数超过 {MOST_COLUMNS}", f"there are more than {MOST_COLUMNS} columns", "请只保留所需的列", "keep the columns that are needed")
    for place, name in enumerate(made, 1):
        if not name or len(name) > MOST_NAME or not name.isprintable() or not (name[0].isalnum() or name[0] == "_") or _APART.intersection(name):
            raise Malformed(
                f"第 {place} 列没有可用的列名",
                f"column {place} has no usable name",
                f"列名为 1 至 {MOST_NAME} 个可见字符，以文字、数字或下划线开头，不含逗号、分号与引号；CSV 的各列以逗号分隔",
                f"a name has 1 to {MOST_NAME} visible characters, begins with a letter, a digit or _, and has no comma, semicolon or quotation mark; columns of CSV have commas between them",
            )
        if name in made[: place - 1]:
            raise Malformed(f"列名重复：第 {place} 列", f"column {place} has the name of another", "请改名或删去其一", "rename or remove one of them")
    return made


class Taking:
    """Writes rows in the one form, and counts them."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.rows = 0

    def take(self, row: Sequence[Cell], where: Where) -> None:
        """One row.

        Raises:
            Malformed: it is one too many, or a value is too long or holds what no text may.
        """
        self.rows += 1
        if self.rows > MOST_ROWS:
            raise Malformed(f"行数超过 {MOST_ROWS}", f"there are more than {MOST_ROWS} rows", "请分成几个文件", "divide the file")
        for place, value in enumerate(row, 1):
            if isinstance(value, str) and (len(value) > MOST_CELL or "\0" in value):
                raise Malformed(
                    f"{where.zh}第 {place} 列：值超过 {MOST_CELL} 个字符或含 U+0000",
                    f"{where.en}, column {place}: the value is longer than {MOST_CELL} characters, or holds U+0000",
                    "请检查引号是否成对，或缩短该值",
                    "look for a quotation mark that is not closed, or shorten the value",
                )
        try:
            self._out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        except TypeError:
            raise Malformed(f"{where.zh}：含有不能表示的值", f"{where.en}: a value cannot be told", "请更正该值", "mend the value") from None
