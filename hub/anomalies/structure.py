"""How an identifier runs in a sequence: what of it stands still, and the number that counts on."""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

Kind = Literal["RESIDENT", "OTHER"]
_LENGTH, _AREA, _BIRTH, _SERIAL = 18, 6, 14, 17
_DIGITS = 6
"""Digits at most that count on in an identifier whose structure is not known."""


class Structure(NamedTuple):
    """What an identifier is, and each way in which it can be one of a sequence: what stands still, and the number that counts on."""

    kind: Kind
    sequences: tuple[tuple[str, int], ...]


_NONE = Structure("OTHER", ())


def structure(value: str) -> Structure:
    """``RESIDENT`` for a 公民身份号码 (GB 11643-1999: area 6, birth 8, sequence 3, check 1).

    It counts on by its sequence number within area and day of birth, or by the day of birth within area and sequence number; other
    identifiers by the digits at their end.
    """
    born = _birth(value)
    if born is not None:
        serial = value[_BIRTH:_SERIAL]
        return Structure("RESIDENT", ((value[:_BIRTH], int(serial)), (value[:_AREA] + serial, born.toordinal())))
    # A social credit code ends with its check character (GB 32100-2015), which does not count on.
    body = value[:-1] if len(value) == _LENGTH else value
    digits = len(body) - len(body.rstrip("0123456789"))
    cut = min(digits, _DIGITS)
    return Structure("OTHER", ((f"{len(value)}:{body[:-cut]}", int(body[-cut:])),)) if cut else _NONE


def _birth(value: str) -> date | None:
    """The day of birth in an identity number; ``None`` where it is no such number."""
    if len(value) != _LENGTH or not (value[:_SERIAL].isascii() and value[:_SERIAL].isdigit()):
        return None
    try:
        return date(int(value[_AREA:10]), int(value[10:12]), int(value[12:_BIRTH]))
    except ValueError:
        return None
