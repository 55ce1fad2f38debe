"""One specialised function per mask: everything that can be decided from the rule is decided before the first value comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from masking import words
from masking.pseudonym import pseudonyms
from masking.rules import Mask

Masking = Callable[[object], object]

_STARS = tuple("*" * count for count in range(words.STAR_LIMIT + 1))
_SURNAMES = frozenset(words.COMPOUND_SURNAMES)
_STOP = re.compile("路(?!南区|北区|桥区)|" + "|".join(words.STOPS))
_DIVISION = re.compile("(?<!自治)(?<!行政)(?<!地)区|[县旗]")
_ISO_DATE = re.compile(r"([0-9]{4})-[0-9]{2}-[0-9]{2}")


def compile_mask(mask: Mask) -> Masking:
    """A function that equals :func:`masking.reference.apply` for this mask. A rule that is unknown or misses its parameters withholds every value."""
    match mask.algorithm, mask.parameters:
        case "KEEP_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return _keep(first, last)
        case "CONSTANT", (text,):
            return lambda value: None if value is None else text
        case "NAME", ():
            return _name
        case "ADDRESS_TO_DISTRICT", ():
            return _address
        case "DATE_TO_YEAR", ():
            return _year
        case "PSEUDONYM", _:
            return pseudonyms(mask)
    return _withhold


def _withhold(_value: object) -> None:
    return None


def _keep(first: int, last: int) -> Masking:
    shown, stars, limit = first + last, _STARS, words.STAR_LIMIT

    def masked(value: object) -> str | None:
        if not isinstance(value, str) or "\0" in value:
            return None
        hidden = len(value) - shown
        if hidden <= 0:
            return stars[min(len(value), limit)]
        return value[:first] + stars[min(hidden, limit)] + value[hidden + first :]

    return masked


def _name(value: object) -> str | None:
    if not isinstance(value, str) or "\0" in value:
        return None
    if len(value) > 2 and value[:2] in _SURNAMES:
        return value[:2] + "**"
    if len(value) > 1:
        return value[0] + "**"
    return "**" if value else ""


def _address(value: object) -> str | None:
    if not isinstance(value, str) or "\0" in value:
        return None
    head = value[: words.ADDRESS_HEAD]
    stopped = _STOP.search(head)
    head = head[: stopped.start()] if stopped else head
    found = _DIVISION.search(head)
    end = found.start() if found else -1
    if end < 1 or head[end - 1] in words.NO_DIVISION_AFTER or not words.IDEOGRAPHS[0] <= head[end - 1] <= words.IDEOGRAPHS[1]:
        end = head.find(words.CITY, 0, end if end >= 0 else None)
        if end > 0 and head[end - 1] in words.NO_CITY_AFTER:
            end = -1
    return value[: end + 1] + words.ADDRESS_END


def _year(value: object) -> str | None:
    if not isinstance(value, str) or not (found := _ISO_DATE.fullmatch(value)):
        return None
    try:
        date.fromisoformat(value)
    except ValueError:
        return None
    return found[1] + "-01-01"
