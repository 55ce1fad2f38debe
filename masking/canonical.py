"""The one form in which values of callers are compared and pseudonyms are made, so that spellings of one value are one value."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from stdnum.cn import ric

from masking.han import simplifications

VERSION = 1
"""Version of the forms below. Whatever changes a value's form needs a new one: pseudonyms and verification would tell different things."""

MIDDLE_DOT = "·"
"""U+00B7, which stands between the parts of a name (GB/T 15834-2011, 4.15)."""
DOTS = "•・‧∙⋅.⸱⸳ꞏ"
"""What else is written for it, after NFKC; a full stop only between Han characters."""
_HAN = "\u3007\u3400-\u9fff\ue000-\uf8ff\U00020000-\U0003ffff\U000f0000-\U0010fffd"
"""Ideographs, and private characters, in which registers keep the rare ones that their systems have no code for."""
_DOT = re.compile(rf"[{DOTS.replace('.', '')}]|(?<=[{_HAN}]) ?\. ?(?=[{_HAN}])")
_BLANK = re.compile(rf"(?<=[{_HAN}{MIDDLE_DOT}]) | (?=[{_HAN}{MIDDLE_DOT}])")
_CENTENARIANS = ("996", "997", "998", "999")
"""Sequence numbers that 15-digit numbers gave to people born in the 19th century (GB 11643-1999, annex)."""
_WIDTHS = {0x3000: " ", **{point: unicodedata.normalize("NFKC", chr(point)) for point in range(0xFF01, 0xFFEF)}}
LONGEST_NAME = 128
_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Co", "Cn"})
"""``Cn``: ideographs that are younger than this Python's Unicode."""
_OF_NAMES = _LETTERS | {"Mn", "Mc", "Nd"}
_MARKS = " ·.,'’‘-()/"
_UNSEEN = re.compile(
    r"[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064"
    r"\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0001\U000e0020-\U000e007f]"
)
"""Of format, and halves of surrogates (categories ``Cf`` and ``Cs``): one search, whatever the length of a text."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u034f\u115f\u1160\u2800\u3164\uffa0]")
"""And letters and marks that are blank by definition."""
_VARIED = re.compile(rf"(?:\A|[{_HAN}{MIDDLE_DOT}])[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""A combining mark or a selector of variants on an ideograph, which changes what is compared and not what is read."""
_CALLING_CODE = re.compile(r"(?:\+|00)?86(?=1\d{10}\Z)", re.ASCII)


def canonical_identifier(text: str) -> str:
    """An identifier: half width (NFKC), without blanks, upper case; a 15-digit resident ID number with a valid date has 18 digits.

    It refuses nothing: what is no identifier is brought to the same form all the same.
    """
    code = canonical_code(text)
    return widened_resident_id(code) or code


def canonical_code(text: str) -> str:
    """A code or number of another kind: half width (NFKC), without blanks, upper case."""
    code = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    # Some characters' upper case is composed of several.
    return code if code.isascii() else "".join(unicodedata.normalize("NFKC", code).split())


def canonical_mobile(text: str) -> str:
    """A mobile number: half width, without blanks, hyphens and the calling code 86."""
    return _CALLING_CODE.sub("", canonical_code(text).replace("-", ""), count=1)


def canonical_name(text: str) -> str:
    """A person's name: half width (NFKC), simplified characters, one kind of middle dot, blanks only between words of letters."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    return plain if plain.isascii() else _BLANK.sub("", _DOT.sub(MIDDLE_DOT, plain)).translate(simplifications())


def canonical_text(text: str) -> str:
    """Any other text: full-width forms in half width, canonically composed (NFC), without outer blanks. ``①`` and ``㎡`` stay as they are."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text.translate(_WIDTHS)).strip()


def widened_resident_id(text: str) -> str | None:
    """The 18-digit number of a 15-digit resident ID number of the first generation; ``None`` where the text is none.

    Sources: GB 11643-1999; check character by ISO 7064 MOD 11-2.
    """
    if len(text) != 15 or not (text.isascii() and text.isdigit()):
        return None
    body = f"{text[:6]}{'18' if text[12:] in _CENTENARIANS else '19'}{text[6:]}"
    if not is_date(body[6:14]):
        return None
    return body + str(ric.calc_check_digit(body + "0"))


def shortened_resident_id(number: str) -> str | None:
    """The 15-digit number that :func:`widened_resident_id` makes this one of; ``None`` where there is none (born after 1999)."""
    short = number[:6] + number[8:17]
    return short if number[6:8] in ("18", "19") and widened_resident_id(short) == number else None


def is_name(text: str) -> bool:
    """Whether a canonical name holds nothing but letters, ideographs, digits and the marks of names, and a letter at all."""
    if len(text) > LONGEST_NAME:
        return False
    kinds = {unicodedata.category(each) for each in set(text) if each not in _MARKS}
    return kinds <= _OF_NAMES and not kinds.isdisjoint(_LETTERS) and not _VARIED.search(text)


def unseen(text: str) -> bool:
    """Whether a text holds characters that nobody sees: of control (but for line ends and tabs), of format, halves of surrogates."""
    return bool(_CONTROL.search(text) or _UNSEEN.search(text))


def is_date(digits: str) -> bool:
    """Whether eight digits are a day of the calendar."""
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True
