"""One specialised function per mask: everything that can be decided from the rule is decided before the first value comes."""

from __future__ import annotations

import re
from collections.abc import Callable

from masking import words
from masking.generated_dates import compile_band
from masking.generated_numbers import compile_number
from masking.pseudonym import pseudonyms
from masking.rules import Mask

Masking = Callable[[object], object]

_LIMIT = words.STAR_LIMIT
_STARS = tuple("*" * count for count in range(_LIMIT + 1))
_SURNAMES = frozenset(words.COMPOUND_SURNAMES)
_STOP = re.compile("路(?!南区|北区|桥区)|" + "|".join(words.STOPS))
_DIVISION = re.compile("(?<!自治)(?<!行政)(?<!地)区|[县旗]")
unfit = re.compile(words.UNFIT).search


def compile_mask(mask: Mask) -> Masking:
    """A function that equals :func:`masking.reference.apply` for this mask. A rule that is unknown or misses its parameters withholds every value."""
    match mask.algorithm, mask.parameters:
        case "CONSTANT", (text,):
            return lambda value: None if value is None else text
        case ("NUMBER_TO_INTERVAL" | "NUMBER_ROUND") as rule, (int(step),) if step > 0:
            return compile_number(rule, step)
        case "NAME", ():
            return _name(mask.share)
        case "EMAIL", ():
            return _email(mask.share)
        case "ADDRESS_TO_DISTRICT", ():
            return _address(mask.share)
        case "DATE_TO_YEAR", ():
            return compile_band(1)
        case "DATE_TO_BAND", (int(years),) if years > 0:
            return compile_band(years)
        case "PSEUDONYM", _:
            return pseudonyms(mask)
    return _positions(mask)


def _positions(mask: Mask) -> Masking:
    match mask.algorithm, mask.parameters:
        case "KEEP_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return _keep(mask, first, last)
        case "PHONE", ():
            return _phone(mask)
        case "MASK_FROM_X_TO_Y", (int(start), int(end)) if 0 <= start <= end:
            return _mask_span(mask, start, end + 1)
        case "MASK_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return _mask_ends(mask, first, last)
        case "KEEP_FROM_X_TO_Y", (int(start), int(end)) if 0 <= start <= end:
            return _keep_span(mask, start, end + 1)
        case "MASK_BEFORE_SPECIAL_CHARS", (str(chars),) if chars:
            return _before(mask, chars)
        case "MASK_AFTER_SPECIAL_CHARS", (str(chars),) if chars:
            return _after(mask, chars)
    return _withhold


def _withhold(_value: object) -> None:
    return None


def _stars(mask: Mask) -> tuple[str, ...]:
    """Stars by the count of what they hide, up to the limit."""
    return ("*" * words.FIXED_STARS,) * (_LIMIT + 1) if mask.fixed else _STARS


def shortest(shown: int, share: int) -> int:
    """The least length of a text, without blanks at its ends, of which so many characters may be shown."""
    return max(shown + 1, -(-shown * 100 // max(share, 1)) if share > 0 or not shown else 1 << 62)


def _keep(mask: Mask, first: int, last: int) -> Masking:
    shown, stars, least, limit = first + last, _stars(mask), shortest(first + last, mask.share), _LIMIT

    def masked(value: object) -> str | None:
        if not isinstance(value, str) or ("\0" in value if value.isascii() else unfit(value)):
            return None
        length = len(value)
        if length < least or len(value.strip(" ")) < least:
            return stars[min(length, limit)]
        hidden = length - shown
        return value[:first] + stars[min(hidden, limit)] + value[hidden + first :]

    return masked


def _phone(mask: Mask) -> Masking:
    mobile, short, long = (_keep(mask, head, words.PHONE_TAIL) for head in (words.MOBILE_HEAD, words.SHORT_AREA_CODE, words.AREA_CODE))
    seconds = words.SHORT_AREA_SECOND

    def masked(value: object) -> object:
        if isinstance(value, str) and value[:1] == "0":
            return (short if value[1:2] in seconds else long)(value)
        return mobile(value)

    return masked


def _ends(mask: Mask) -> Callable[[str, int, int], str]:
    stars, share, limit = _stars(mask), mask.share, _LIMIT

    def masked(value: str, first: int, behind: int) -> str:
        """Hidden from ``first`` on, up to before ``behind``."""
        length, hidden, measured = len(value), behind - first, len(value.strip(" "))
        shown = length - hidden
        if shown >= measured or shown * 100 > measured * share:
            return stars[min(length, limit)]
        return value[:first] + stars[min(hidden, limit)] + value[behind:]

    return masked


def _text_only(mask: Callable[[str], str | None]) -> Masking:
    def masked(value: object) -> str | None:
        if not isinstance(value, str) or ("\0" in value if value.isascii() else unfit(value)):
            return None
        return mask(value)

    return masked


def _mask_span(mask: Mask, start: int, behind: int) -> Masking:
    ends = _ends(mask)
    return _text_only(lambda value: ends(value, start, min(behind, len(value))))


def _before(mask: Mask, chars: str) -> Masking:
    ends = _ends(mask)
    return _text_only(lambda value: ends(value, 0, value.find(chars)))


def _after(mask: Mask, chars: str) -> Masking:
    ends, width = _ends(mask), len(chars)

    def masked(value: str) -> str:
        found = value.find(chars)
        return ends(value, 0 if found < 0 else found + width, len(value))

    return _text_only(masked)


def _middle(mask: Mask, before: int) -> Callable[[str, int, str], str]:
    stars, share, limit = _stars(mask), mask.share, _LIMIT
    ahead = stars[min(before, limit)] if before else ""

    def masked(value: str, behind: int, after: str) -> str:
        """Shown from ``before`` on, up to before ``behind``."""
        shown, measured = behind - before, len(value.strip(" "))
        if shown <= 0 or shown >= measured or shown * 100 > measured * share:
            return stars[min(len(value), limit)]
        return ahead + value[before:behind] + after

    return masked


def _mask_ends(mask: Mask, first: int, last: int) -> Masking:
    middle, after = _middle(mask, first), _stars(mask)[min(last, _LIMIT)] if last else ""
    return _text_only(lambda value: middle(value, len(value) - last, after))


def _keep_span(mask: Mask, start: int, behind: int) -> Masking:
    middle, stars = _middle(mask, start), _stars(mask)
    return _text_only(lambda value: middle(value, min(behind, len(value)), stars[min(max(len(value) - behind, 0), _LIMIT)]))


def _name(share: int) -> Masking:
    single, compound = shortest(1, share), max(shortest(2, share), 3)

    def masked(value: object) -> str | None:
        if not isinstance(value, str) or ("\0" in value if value.isascii() else unfit(value)):
            return None
        measured = len(value.strip(" "))
        if len(value) > 2 and value[:2] in _SURNAMES:
            return value[:2] + "**" if measured >= compound else "**"
        if measured >= single:
            return value[0] + "**"
        return "**" if value else ""

    return masked


def _email(share: int) -> Masking:
    def masked(value: str) -> str:
        local, at, domain = value.partition("@")
        shown, measured = len(at) + len(domain) + (len(local) > 1), len(value.strip(" "))
        if not local or not at or "@" in domain or shown >= measured or shown * 100 > measured * share:
            return words.EMAIL_STARS
        return (local[0] if len(local) > 1 else "") + words.EMAIL_STARS + at + domain

    return _text_only(masked)


def _address(share: int) -> Masking:
    def masked(value: object) -> str | None:
        if not isinstance(value, str) or ("\0" in value if value.isascii() else unfit(value)):
            return None
        shown, measured = _division_end(value[: words.ADDRESS_HEAD]), len(value.strip(" "))
        if shown >= measured or shown * 100 > measured * share:
            return words.ADDRESS_END
        return value[:shown] + words.ADDRESS_END

    return masked


def _division_end(head: str) -> int:
    stopped = _STOP.search(head)
    head = head[: stopped.start()] if stopped else head
    found = _DIVISION.search(head)
    end = found.start() if found else -1
    if end < 1 or head[end - 1] in words.NO_DIVISION_AFTER or not words.IDEOGRAPHS[0] <= head[end - 1] <= words.IDEOGRAPHS[1]:
        end = head.find(words.CITY, 0, end if end >= 0 else None)
        if end > 0 and head[end - 1] in words.NO_CITY_AFTER:
            end = -1
    return end + 1
