"""How an identifier runs in a sequence: what of it stands still, and the number that counts on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

Kind = Literal["RESIDENT", "OTHER"]
_LENGTH, _AREA, _BIRTH, _SERIAL = 18, 6, 14, 17
_DIGITS = 6
"""Digits at most that count on in an identifier whose structure is not known."""


def kind_of(value: str) -> Kind:
    """``RESIDENT`` for a 公民身份号码 (GB 11643-1999: area 6, birth 8, sequence 3, check 1)."""
    return "OTHER" if _birth(value) is None else "RESIDENT"


def sequences(value: str) -> Iterator[tuple[str, int]]:
    """Each way in which an identifier can be one of a sequence: what stands still, and the number.

    An identity number counts on by its sequence number within area and day of birth, or by the day of birth within area and sequence number.
    """
    born = _birth(value)
    if born is not None:
        yield f"s{value[:_BIRTH]}", int(value[_BIRTH:_SERIAL])
        yield f"d{value[:_AREA]}{value[_BIRTH:_SERIAL]}", born.toordinal()
        return
    # A social credit code ends with its check character (GB 32100-2015), which does not count on.
    body = value[:-1] if len(value) == _LENGTH else value
    digits = len(body) - len(body.rstrip("0123456789"))
    if cut := min(digits, _DIGITS):
        yield f"o{len(value)}:{body[:-cut]}", int(body[-cut:])


def _birth(value: str) -> date | None:
    """The day of birth in an identity number; ``None`` where it is no such number."""
    if len(value) != _LENGTH or not (value[:_SERIAL].isascii() and value[:_SERIAL].isdigit()):
        return None
    try:
        return date(int(value[_AREA:10]), int(value[10:12]), int(value[12:_BIRTH]))
    except ValueError:
        return None
