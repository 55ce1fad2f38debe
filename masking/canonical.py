"""The one form in which values of callers are compared and pseudonyms are made, so that spellings of one value are one value."""

from __future__ import annotations

import unicodedata
from datetime import date

from stdnum.cn import ric

VERSION = 1
"""Version of the forms below. Whatever changes a value's form needs a new one: pseudonyms and verification would tell different things."""

_CENTENARIANS = ("996", "997", "998", "999")
"""Sequence numbers that 15-digit numbers gave to people born in the 19th century (GB 11643-1999, annex)."""


def canonical_identifier(text: str) -> str:
    """An identifier: half width (NFKC), without blanks, upper case; a 15-digit resident ID number with a valid date has 18 digits.

    It refuses nothing: what is no identifier is brought to the same form all the same.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    return widened_resident_id(plain) or plain


def widened_resident_id(text: str) -> str | None:
    """The 18-digit number of a 15-digit resident ID number of the first generation; ``None`` where the text is none.

    Sources: GB 11643-1999; check character by ISO 7064 MOD 11-2.
    """
    if len(text) != 15 or not (text.isascii() and text.isdigit()):
        return None
    body = f"{text[:6]}{'18' if text[12:] in _CENTENARIANS else '19'}{text[6:]}"
    if not _is_date(body[6:14]):
        return None
    return body + ric.calc_check_digit(body + "0")


def _is_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True
