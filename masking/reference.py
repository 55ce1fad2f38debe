"""The masking rules, written to be read: what every faster implementation must equal."""

from __future__ import annotations

import re
from datetime import date

from masking import words
from masking.pseudonym_reference import pseudonym
from masking.rules import Mask

Value = str | int | float | bool | None


def apply(mask: Mask, value: Value) -> Value:
    """The masked value. Null stays null; whatever a rule cannot mask (no text, a text with NUL, an unknown rule) is withheld: ``None``."""
    if value is None:
        return None
    if mask.algorithm == "CONSTANT":
        return mask.parameters[0] if len(mask.parameters) == 1 else None
    if not isinstance(value, str) or "\0" in value:
        return None
    match mask.algorithm, mask.parameters:
        case "KEEP_FIRST_N_LAST_M", (int(first), int(last)):
            return keep(value, first, last)
        case "NAME", ():
            return name(value)
        case "ADDRESS_TO_DISTRICT", ():
            return address(value)
        case "DATE_TO_YEAR", ():
            return year(value)
        case "PSEUDONYM", _:
            return pseudonym(mask, value)
    return None


def keep(text: str, first: int, last: int) -> str | None:
    """The first and last characters (code points) with stars between; a text with nothing between is stars alone."""
    if first < 0 or last < 0:
        return None
    hidden = len(text) - first - last
    if hidden <= 0:
        return "*" * min(len(text), words.STAR_LIMIT)
    return text[:first] + "*" * min(hidden, words.STAR_LIMIT) + text[len(text) - last :]


def name(text: str) -> str:
    """The surname, compound ones too, and ``**`` whatever the given name's length. A single character is hidden; empty stays empty."""
    if text == "":
        return ""
    if len(text) == 1:
        return words.NAME_END
    surname = 2 if len(text) >= 3 and text[:2] in words.COMPOUND_SURNAMES else 1
    return text[:surname] + words.NAME_END


def address(text: str) -> str:
    """The address up to its county-level division, else up to its city, else nothing; then ``****``."""
    head = text[: words.ADDRESS_HEAD]
    roads = _rewritten(head, words.ROAD_REWRITES)
    stop = min([(roads + words.ROAD).index(words.ROAD), *((head + word).index(word) for word in words.STOPS)])
    district = (_rewritten(head, words.DIVISION_REWRITES) + words.DIVISION).index(words.DIVISION)
    city = head.find(words.CITY)
    if 0 < district < stop and _names_division(head[district - 1]):
        return text[: district + 1] + words.ADDRESS_END
    if 0 <= city < min(stop, district) and (city == 0 or head[city - 1] not in words.NO_CITY_AFTER):
        return text[: city + 1] + words.ADDRESS_END
    return words.ADDRESS_END


def _rewritten(text: str, rewrites: tuple[tuple[str, str], ...]) -> str:
    for word, instead in rewrites:
        text = text.replace(word, instead)
    return text


def _names_division(before: str) -> bool:
    lowest, highest = words.IDEOGRAPHS
    return lowest <= before <= highest and before not in words.NO_DIVISION_AFTER


def year(text: str) -> str | None:
    """The first day of an ISO 8601 calendar date's year, so that a date stays a date."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date.fromisoformat(text).replace(month=1, day=1).isoformat()
    except ValueError:
        return None
