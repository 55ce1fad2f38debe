"""Reading bounded, strict texts: JSON, base64, whole numbers, lines; and showing foreign text without letting it act."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from verifier.faults import Unreadable

MAX_INTEGER = 2**53 - 1
SMALL = 1 << 26
"""Bytes of a file that is read whole."""
LINE = 1 << 22
"""Bytes of one line: an entry has 1 MiB at most, twice as much when every character is escaped."""
_SHOWN = 200
_UNREADABLE = (OSError, EOFError, zlib.error)


def shown(text: object) -> str:
    """A foreign text for a terminal or a log: what could end a line, move the cursor or turn the direction of reading is escaped."""
    plain = str(text)
    escaped = "".join(_safe(character) for character in plain[:_SHOWN])
    return escaped if len(plain) <= _SHOWN else f"{escaped}…"


def _safe(character: str) -> str:
    if character.isprintable() and character != "\\":
        return character
    return "\\\\" if character == "\\" else f"\\u{ord(character):04x}"


def parsed(raw: bytes, what: str) -> Any:
    """The value of strict JSON: UTF-8, no key twice, no lone surrogates, no ``NaN``.

    Raises:
        Unreadable: it is not.
    """
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
        canonical(value)
    except (ValueError, RecursionError) as fault:
        raise Unreadable(f"{what} 不是规范的 JSON", f"{what} is not strict JSON in UTF-8") from fault
    return value


def canonical(value: Any) -> bytes:
    """Canonical JSON (RFC 8785 for texts and whole numbers): keys sorted, no spaces, nothing escaped that need not be."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def fields(value: Any, what: str, /, **kinds: type) -> list[Any]:
    """The fields of an object, each of exactly its kind.

    Raises:
        Unreadable: one is missing or of another kind.
    """
    if not isinstance(value, dict):
        raise Unreadable(f"{what} 不是 JSON 对象", f"{what} is not a JSON object")
    for name, kind in kinds.items():
        if type(value.get(name)) is not kind:
            raise Unreadable(f"{what} 缺少字段 {name} 或类型不符", f"{what} lacks the field {name}, or it is of another type")
    return [value[name] for name in kinds]


def octets(text: object, what: str, size: int | None = None) -> bytes:
    """The bytes behind standard base64, of which only one spelling is accepted.

    Raises:
        Unreadable: it is another spelling, or not of ``size`` bytes.
    """
    try:
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
        sound = isinstance(text, str) and base64.b64encode(raw).decode() == text and (size is None or len(raw) == size)
    except ValueError:
        sound = False
    if not sound:
        raise Unreadable(f"{what} 不是规范的 base64", f"{what} is not canonical base64{'' if size is None else f' of {size} bytes'}")
    return raw


def hashes(value: object, what: str, most: int = 64) -> list[bytes]:
    """A list of hashes of 32 bytes, such as a path of a proof.

    Raises:
        Unreadable: it is no such list, or longer than ``most``.
    """
    if not isinstance(value, list) or len(value) > most:
        raise Unreadable(f"{what} 不是至多 {most} 个散列值的列表", f"{what} is not a list of at most {most} hashes")
    return [octets(one, what, 32) for one in value]


def whole(value: object, what: str) -> int:
    """A whole number from 0 to 2^53-1, as JSON number or as the decimal digits of one.

    Raises:
        Unreadable: it is none.
    """
    number = value if type(value) is int else -1
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16 and str(int(value)) == value:
        number = int(value)
    if not 0 <= number <= MAX_INTEGER:
        raise Unreadable(f"{what} 不是 0 至 2^53-1 的整数", f"{what} is not a whole number from 0 to 2^53-1")
    return number


def content(path: Path, most: int = SMALL) -> bytes:
    """The bytes of a small file.

    Raises:
        Unreadable: it cannot be read, or is larger than ``most`` bytes.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as fault:
        raise Unreadable(f"无法读取 {shown(path)}", f"cannot read {shown(path)}: {fault.strerror}") from fault
    if len(raw) > most:
        raise Unreadable(f"{shown(path)} 超过 {most} 字节", f"{shown(path)} is larger than {most} bytes")
    return raw


def text(path: Path) -> str:
    """A small file of UTF-8.

    Raises:
        Unreadable: it is none.
    """
    try:
        return content(path).decode("utf-8")
    except UnicodeDecodeError as fault:
        raise Unreadable(f"{shown(path)} 不是 UTF-8", f"{shown(path)} is not UTF-8") from fault


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file of any size, packed by gzip or not, each with its newline; the last may lack it.

    Raises:
        Unreadable: it cannot be read or unpacked, or a line is longer than ``LINE`` bytes.
    """
    try:
        with path.open("rb") as raw:
            file = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
            while line := file.readline(LINE + 1):
                if len(line) > LINE:
                    raise Unreadable(f"{shown(path)} 有超过 {LINE} 字节的行", f"{shown(path)} has a line of more than {LINE} bytes")
                yield line
    except _UNREADABLE as fault:
        raise Unreadable(f"无法读取 {shown(path)}", f"cannot read {shown(path)}, or it is not whole") from fault


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _constant(name: str) -> Any:
    raise ValueError(name)
