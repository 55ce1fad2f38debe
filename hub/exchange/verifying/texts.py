"""Tables in text: CSV (RFC 4180) in UTF-8 or GB18030, and JSON Lines. Every line is looked at before a row is taken for good."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import orjson

from connectors.json_members import member_twice
from hub.exchange.verifying.reading import MOST_CELL, MOST_COLUMNS, Cell, Malformed, Taking, at_line, check_columns, in_line

_PIECE = 1 << 20
_INT64 = 2**63
MOST_LINE = 256 * 1024
"""Bytes of a line."""
CHARSETS = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}
"""``charset`` of the media type → codec."""
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARK = "\ufeff"
_SAVE = "请另存为 CSV UTF-8", "save the table as CSV in UTF-8"
_SAVE_OR_SAY = (
    "请另存为 CSV UTF-8；若为 GB18030（GBK），请注明 charset=gb18030（命令行为 --charset gb18030）",
    "save the table as CSV in UTF-8; where it is GB18030 (GBK), say charset=gb18030 (--charset gb18030 on the command line)",
)
"""Programs of offices in China save CSV in GBK."""


def read_csv(path: Path, charset: str, taking: Taking) -> list[str]:
    """Takes a CSV file's rows; its columns. Without a ``charset`` it is UTF-8 where all of it can be, else GB18030.

    Raises:
        Malformed: the first thing that is wrong.
    """
    codec = CHARSETS[charset] if charset else _sniffed(path)
    if codec == "gb18030" and _starts_with(path, codecs.BOM_UTF8):
        zh, en = "文件以 UTF-8 的字节顺序标记（BOM）开头，却按 GB18030 读取", "the file begins with the byte order mark (BOM) of UTF-8, and is read as GB18030"
        raise Malformed(
            zh, en, "若为 UTF-8，请勿另行声明编码；若为 GB18030，请去除标记", "declare no other charset where it is UTF-8; remove the mark where it is GB18030"
        )
    csv.field_size_limit(MOST_CELL * 4)
    with path.open(encoding=codec, newline="") as file:
        lines = csv.reader(_bounded(file), strict=True)
        columns: list[str] = []
        blank = 0
        try:
            for fields in lines:
                if not columns:
                    columns = check_columns(fields)
                elif not fields:
                    blank = blank or lines.line_num
                elif blank:
                    raise at_line(blank, "空行", "the line is empty", "请删去空行", "remove the line")
                elif len(fields) != len(columns):
                    zh, en = f"有 {len(fields)} 列，列名有 {len(columns)} 个", f"{len(fields)} values, and {len(columns)} columns are named"
                    raise at_line(lines.line_num, zh, en, "请补齐该行；含逗号的值须加引号", "complete the line; quote values that hold a comma")
                else:
                    taking.take([field or None for field in fields], in_line(lines.line_num))
        except csv.Error:
            zh, en = "引号不成对，或值过长", "quotation marks do not match, or a value is too long"
            raise at_line(lines.line_num, zh, en, "引号须成对，值中的引号须双写", "close each quotation mark, and double those within values") from None
        except UnicodeDecodeError:
            zh, en = "不是所声明的编码", "the bytes are not of the declared encoding"
            raise at_line(_undecodable(path, codec), zh, en, *(_SAVE if codec == "gb18030" else _SAVE_OR_SAY)) from None
    return columns


def _undecodable(path: Path, codec: str) -> int:
    """The first line that is not of the encoding. In both, no other character has a line feed's byte."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(codec)
            except UnicodeDecodeError:
                return number
    return number


def _bounded(file: TextIO) -> Iterator[str]:
    """Lines, none of them longer than there may be."""
    readline = file.readline
    number = 0
    # Of GB18030: the codec of UTF-8 takes its own away.
    if file.read(1) != _MARK:
        file.seek(0)
    while line := readline(MOST_LINE):
        number += 1
        if len(line) >= MOST_LINE:
            raise at_line(number, f"超过 {MOST_LINE} 个字符", f"longer than {MOST_LINE} characters", "请检查换行符", "look at the line breaks")
        yield line


def _starts_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def _sniffed(path: Path) -> str:
    with path.open("rb") as file:
        if file.read(2) in _WIDE:
            raise Malformed("文件是 UTF-16 编码", "the file is in UTF-16", *_SAVE)
    return next((codec for codec in ("utf-8-sig", "gb18030") if _decodes(path, codec)), "utf-8-sig")


def _decodes(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    with path.open("rb") as file:
        try:
            while piece := file.read(_PIECE):
                decoder.decode(piece)
            decoder.decode(b"", True)
        except UnicodeDecodeError:
            return False
    return True


def read_jsonl(path: Path, taking: Taking) -> list[str]:
    """Takes the rows of a file of JSON objects, one a line; its columns are their names, in the order in which they appear.

    Raises:
        Malformed: the first thing that is wrong.
    """
    columns: dict[str, int] = {}
    blank = 0
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MOST_LINE):
            number += 1
            if len(line) >= MOST_LINE:
                raise at_line(number, f"超过 {MOST_LINE} 字节", f"longer than {MOST_LINE} bytes", "每行一个对象", "one object a line")
            if not line.strip():
                blank = blank or number
                continue
            if blank:
                raise at_line(blank, "空行", "the line is empty", "请删去空行", "remove the line")
            taking.take(_row(line.removeprefix(codecs.BOM_UTF8) if number == 1 else line, number, columns), in_line(number))
    names = list(columns)
    check_columns(names)
    return names


def _row(line: bytes, number: int, columns: dict[str, int]) -> list[Cell]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise at_line(number, "不是 JSON", "this is not JSON", "每行须为一个 UTF-8 编码的 JSON 对象", "each line is one JSON object in UTF-8") from None
    if not isinstance(found, dict) or not all(value is None or isinstance(value, str | int | float) for value in found.values()):
        zh, en = "不是仅含文本、数字、布尔与 null 的对象", "not an object of texts, numbers, booleans and nulls alone"
        raise at_line(number, zh, en, "请将嵌套的值展开为列", "make a column of each nested value")
    if _is_rounded(line, found):
        zh, en = "整数超过 64 位，会被舍入", "a whole number has more than 64 bits, and would be rounded"
        raise at_line(number, zh, en, "请写为文本（加引号）", "write it as a text, in quotation marks")
    if (twice := member_twice(line, found)) is not None:
        place = list(found).index(twice) + 1
        raise at_line(number, f"第 {place} 个名称重复", f"name {place} stands twice", "请改名或删去其一", "rename or remove one of them")
    for name in found:
        if name not in columns:
            if len(columns) == MOST_COLUMNS:
                raise at_line(number, f"列数超过 {MOST_COLUMNS}", f"more than {MOST_COLUMNS} columns", "请只保留所需的列", "keep what is needed")
            check_columns([*columns, name])
            columns[name] = len(columns)
    return [found.get(name) for name in columns]


def _is_rounded(line: bytes, found: dict[str, Cell]) -> bool:
    """Whether a whole number became the float that is next to it: numbers that tell rows apart would be the same."""
    if not any(isinstance(value, float) and abs(value) >= _INT64 for value in found.values()):
        return False
    try:
        return any(type(value) is int and not -_INT64 <= value < 2 * _INT64 for value in json.loads(line).values())
    except (ValueError, RecursionError):
        return True
