"""JSON Lines (RFC 8259 objects, one per line, UTF-8)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from connectors.files.findings import Broken, Finding
from connectors.files.reading import GUESSED_ROWS, MISSING, Asked, Opened
from connectors.files.text import encoding_of
from connectors.json_members import member_twice

_MOST_BYTES = 16 << 20
"""Of one line."""


def open_jsonl(asked: Asked) -> Opened:
    """Names are the catalog's; without a catalog, those of the first objects, as many as a guess looks at."""
    encoding = encoding_of(asked.path, "utf-8")
    names = asked.columns or _names(asked, encoding)
    return Opened(names, _rows(asked, encoding, names), {"encoding": encoding}, loose=True)


def _names(asked: Asked, encoding: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for place, (_, each) in enumerate(_objects(asked, encoding)):
        if place >= GUESSED_ROWS:
            break
        found |= dict.fromkeys(each)
    return tuple(found)


def _rows(asked: Asked, encoding: str, names: Sequence[str]) -> Iterator[tuple[int, Sequence[Any]]]:
    known, told = frozenset((*names, *asked.left_out)), set[str]()
    for line, each in _objects(asked, encoding):
        for name in each.keys() - known - told if asked.file.extra_columns == "refuse" else ():
            told.add(name)
            # An extra name is a finding of the row where it first stands: the row itself is given as ragged by that name.
            yield line, [_Extra(name)]
        yield line, [each.get(name, MISSING) for name in names]


class _Extra(str):
    """The name of a value that the catalog does not have."""

    __slots__ = ()


def extra_name(cells: Sequence[Any]) -> str | None:
    """The name that a row of :func:`open_jsonl` has beyond the catalog's."""
    return str(cells[0]) if len(cells) == 1 and isinstance(cells[0], _Extra) else None


def _objects(asked: Asked, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    with asked.path.open("rb") as file:
        if encoding == "utf-8-sig":
            file.seek(3)
        line = 0
        while text := file.readline(_MOST_BYTES):
            line += 1
            if len(text) >= _MOST_BYTES:
                raise Broken(Finding("TOO_LARGE", line))
            if text.strip():
                yield line, _object(text, line, asked.exact)


def _object(text: bytes, line: int, exact: bool) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
        if isinstance(found, dict) and (exact or _long_number(found)):
            found = json.loads(text, parse_float=Decimal)
        twice = member_twice(text, found) if isinstance(found, dict) else None
    except (ValueError, RecursionError, InvalidOperation):
        raise Broken(Finding("SURROGATE" if _has_surrogate(text) else "NOT_JSON", line)) from None
    if not isinstance(found, dict):
        raise Broken(Finding("NOT_JSON", line))
    if twice is not None:
        raise Broken(Finding("COLUMN_TWICE", line, twice))
    return found


def _long_number(found: dict[str, Any]) -> bool:
    """orjson gives integers beyond 64 bits as floats."""
    return any(type(value) is float and abs(value) >= 2**63 for value in found.values())


def _has_surrogate(text: bytes) -> bool:
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False
