"""What the catalog's validators accept in a delivery; the same check characters as for callers' values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from stdnum.cn import ric, uscc

_RESIDENT = re.compile(r"[0-9]{17}[0-9X]")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_DIVISION = re.compile(r"[1-9][0-9]{5}(?:[0-9]{3}(?:[0-9]{3})?)?")


def _resident_id(text: str) -> bool:
    """GB 11643-1999; the division of one's birth may have ceased to exist and is not looked up."""
    if not _RESIDENT.fullmatch(text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return bool(text[17] == ric.calc_check_digit(text))


VALIDATORS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "resident_id": ("RESIDENT_ID", _resident_id),
    "uscc": ("USCC", lambda text: len(text) == 18 and text == text.upper() and bool(uscc.is_valid(text))),
    "mobile": ("MOBILE", lambda text: _MOBILE.fullmatch(text) is not None),
    "division": ("DIVISION", lambda text: _DIVISION.fullmatch(text) is not None),
}
"""Name → code of the finding, and whether a text is valid."""
