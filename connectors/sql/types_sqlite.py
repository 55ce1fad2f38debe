"""The kind of a SQLite column: by its declared type and affinity, and by what a sample of it holds, because SQLite stores any value anywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from connectors.selection import Kind
from connectors.wire import decimal_key, utc_text

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_UNTYPED = ("", "ANY")
_WITHOUT_KIND = ("JSON", "XML", "GEOM", "POLYGON", "INTERVAL", "BINARY", "IMAGE")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a sample of a column holds: storage classes, as ``typeof`` names them, and its short texts and numbers as text."""

    classes: frozenset[str]
    texts: Sequence[str] = ()


NOTHING = Seen(frozenset())


def declared_kind(declared: str) -> Kind | None:
    """The kind that a declared type promises: first by name, then by SQLite's rules of affinity (sqlite.org/datatype3.html §3.1)."""
    name = declared.upper()
    if any(word in name for word in _WITHOUT_KIND):
        return None
    if "BOOL" in name:
        return Kind.BOOLEAN
    if "DATETIME" in name or "TIMESTAMP" in name:
        return Kind.DATETIME
    if "DATE" in name:
        return Kind.DATE
    return _by_affinity(name)


def without_affinity(declared: str) -> bool:
    """A column of this declared type keeps numbers beside texts as they are."""
    return declared.upper() in _UNTYPED or ("BLOB" in declared.upper() and "INT" not in declared.upper())


def _by_affinity(name: str) -> Kind | None:
    if "INT" in name:
        return Kind.BIGINT
    if any(word in name for word in ("CHAR", "CLOB", "TEXT", "TIME", "UUID", "ENUM")):
        return Kind.STRING
    if "BLOB" in name:
        return None
    if any(word in name for word in ("REAL", "FLOA", "DOUB")):
        return Kind.FLOAT
    # No type at all, or STRICT tables' ANY: nothing is promised, and text holds most.
    return Kind.STRING if name in _UNTYPED else Kind.DECIMAL


def seen_kind(declared: str, seen: Seen) -> Kind | None:
    """The kind that reads what is there without loss; the declared one where it does, or where nothing is there."""
    kind = declared_kind(declared)
    if not seen.classes or (kind is None and declared and "BLOB" not in declared.upper()):
        return kind
    if "blob" in seen.classes:
        return None
    return kind if kind is not None and _holds(kind, declared, seen) else _stored(seen)


def _holds(kind: Kind, declared: str, seen: Seen) -> bool:
    match kind:
        case Kind.BIGINT:
            return seen.classes <= {"integer"}
        case Kind.FLOAT:
            return seen.classes <= {"integer", "real"}
        case Kind.BOOLEAN:
            return seen.classes <= {"integer"} and set(seen.texts) <= {"0", "1"}
        case Kind.DATE:
            return seen.classes <= {"text"} and all(map(is_date, seen.texts))
        case Kind.DATETIME:
            return seen.classes <= {"text"} and all(map(utc_text, seen.texts)) and not all(map(is_date, seen.texts))
        case Kind.DECIMAL:
            return all(map(decimal_key, seen.texts))
    return bool(declared) or seen.classes <= {"text"}


def _stored(seen: Seen) -> Kind:
    if seen.classes <= {"integer"}:
        return Kind.BIGINT
    if seen.classes <= {"integer", "real"}:
        return Kind.FLOAT
    if seen.classes <= {"text"} and seen.texts:
        if all(map(is_date, seen.texts)):
            return Kind.DATE
        if all(map(utc_text, seen.texts)):
            return Kind.DATETIME
    return Kind.STRING


def is_date(text: str) -> bool:
    """An ISO 8601 calendar date (``2026-11-22``) that exists."""
    if not _DATE.match(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
