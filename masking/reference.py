"""The masking rules, written to be read: what every faster implementation must equal."""

from __future__ import annotations

import math
import re
from datetime import date
from fractions import Fraction

from masking import words
from masking.pseudonym_reference import pseudonym
from masking.rules import Mask

Value = str | int | float | bool | None


def apply(mask: Mask, value: Value) -> Value:
    """The masked value. Null stays null; whatever a rule cannot mask (another type, a text with NUL or a lone surrogate, an unknown rule) is withheld: ``None``."""
    if value is None:
        return None
    match mask.algorithm, mask.parameters:
        case "CONSTANT", (constant,):
            return constant
        case ("NUMBER_TO_INTERVAL" | "NUMBER_ROUND") as rule, (int(step),) if step > 0:
            return number(rule, value, step)
    if not isinstance(value, str) or any(each == "\0" or "\ud800" <= each <= "\udfff" for each in value):
        return None
    return _text(mask, value)


def _text(mask: Mask, text: str) -> str | None:
    match mask.algorithm, mask.parameters:
        case "NAME", ():
            return name(mask, text)
        case "EMAIL", ():
            return email(mask, text)
        case "ADDRESS_TO_DISTRICT", ():
            return address(mask, text)
        case "DATE_TO_YEAR", ():
            return band(text, 1)
        case "DATE_TO_BAND", (int(years),) if years > 0:
            return band(text, years)
        case "PSEUDONYM", _:
            return pseudonym(mask, text)
    return _positions(mask, text)


def _positions(mask: Mask, text: str) -> str | None:
    match mask.algorithm, mask.parameters:
        case "KEEP_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return ends(mask, text, first, last)
        case "MASK_FROM_X_TO_Y", (int(start), int(end)) if 0 <= start <= end:
            return ends(mask, text, start, max(len(text) - end - 1, 0))
        case "MASK_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return middle(mask, text, first, last, _stars(mask, last) if last else "")
        case "KEEP_FROM_X_TO_Y", (int(start), int(end)) if 0 <= start <= end:
            after = max(len(text) - end - 1, 0)
            return middle(mask, text, start, after, _stars(mask, after))
        case "MASK_BEFORE_SPECIAL_CHARS", (str(chars),) if chars:
            return ends(mask, text, 0, len(text) - text.index(chars)) if chars in text else _stars(mask, len(text))
        case "MASK_AFTER_SPECIAL_CHARS", (str(chars),) if chars:
            return ends(mask, text, text.index(chars) + len(chars), 0) if chars in text else _stars(mask, len(text))
        case "PHONE", ():
            return ends(mask, text, _phone_head(text), words.PHONE_TAIL)
    return None


def _stars(mask: Mask, hidden: int) -> str:
    return "*" * (words.FIXED_STARS if mask.fixed else min(hidden, words.STAR_LIMIT))


def _too_much(mask: Mask, shown: int, text: str) -> bool:
    """Whether so many shown characters are the whole text, or more of it than the rule's share; blanks at its ends are not of it."""
    length = len(text.strip(words.BLANK))
    return shown >= length or shown * 100 > length * mask.share


def ends(mask: Mask, text: str, first: int, last: int) -> str:
    """The first and last characters (code points) with stars between; stars alone where that would show too much."""
    if _too_much(mask, first + last, text):
        return _stars(mask, len(text))
    return text[:first] + _stars(mask, len(text) - first - last) + text[len(text) - last :]


def middle(mask: Mask, text: str, before: int, after: int, stars_after: str) -> str:
    """The characters between with stars around them; stars alone where none is between, or where they would show too much."""
    shown = len(text) - before - after
    if shown <= 0 or _too_much(mask, shown, text):
        return _stars(mask, len(text))
    return (_stars(mask, before) if before else "") + text[before : before + shown] + stars_after


def _phone_head(text: str) -> int:
    if not text.startswith("0"):
        return words.MOBILE_HEAD
    return words.SHORT_AREA_CODE if text[1:2] in words.SHORT_AREA_SECOND else words.AREA_CODE


def name(mask: Mask, text: str) -> str:
    """The surname, compound ones too, and ``**`` whatever the given name's length. A single character is hidden; empty stays empty."""
    if text == "":
        return ""
    surname = 2 if len(text) >= 3 and text[:2] in words.COMPOUND_SURNAMES else 1
    if _too_much(mask, surname, text):
        return words.NAME_END
    return text[:surname] + words.NAME_END


def email(mask: Mask, text: str) -> str:
    """The first character, ``***``, and the domain. A first character that is alone before the ``@`` is hidden; without just one ``@``, all is."""
    at = text.find("@")
    first = 1 if at > 1 else 0
    if at < 1 or text.count("@") > 1 or _too_much(mask, first + len(text) - at, text):
        return words.EMAIL_STARS
    return text[:first] + words.EMAIL_STARS + text[at:]


def address(mask: Mask, text: str) -> str:
    """The address up to its county-level division, else up to its city, else nothing; then ``****``."""
    shown = _division_end(text[: words.ADDRESS_HEAD])
    return words.ADDRESS_END if _too_much(mask, shown, text) else text[:shown] + words.ADDRESS_END


def _division_end(head: str) -> int:
    roads = _rewritten(head, words.ROAD_REWRITES)
    stop = min([(roads + words.ROAD).index(words.ROAD), *((head + word).index(word) for word in words.STOPS)])
    district = (_rewritten(head, words.DIVISION_REWRITES) + words.DIVISION).index(words.DIVISION)
    city = head.find(words.CITY)
    if 0 < district < stop and _names_division(head[district - 1]):
        return district + 1
    if 0 <= city < min(stop, district) and (city == 0 or head[city - 1] not in words.NO_CITY_AFTER):
        return city + 1
    return 0


def _rewritten(text: str, rewrites: tuple[tuple[str, str], ...]) -> str:
    for word, instead in rewrites:
        text = text.replace(word, instead)
    return text


def _names_division(before: str) -> bool:
    lowest, highest = words.IDEOGRAPHS
    return lowest <= before <= highest and before not in words.NO_DIVISION_AFTER


def band(text: str, years: int) -> str | None:
    """The first day of the band of years that an ISO 8601 calendar date, or a moment in UTC, is in: a date stays a date, a moment a moment."""
    day, rest = text[:10], text[10:]
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        return None
    if rest and not (rest.startswith("T") and rest.endswith(words.UTC_END) and words.MOMENT_LENGTHS[0] <= len(text) <= words.MOMENT_LENGTHS[1]):
        return None
    try:
        year = date.fromisoformat(day).year
    except ValueError:
        return None
    start = max(year - year % years, date.min.year)
    return f"{start:04}{words.YEAR_START}" + (words.MOMENT_START if rest else "")


def number(rule: str, value: Value, step: int) -> Value:
    """The lower bound of the interval of length ``step`` that a number is in, or the nearest multiple of ``step``, halves away from zero.

    Of the value's type; a decimal is text, in digits without an exponent. Withheld: what is no number, or has more than 18 digits before its point.
    """
    exact = _exact(value)
    if exact is None or abs(exact) >= words.NUMBER_LIMIT:
        return None
    if rule == "NUMBER_TO_INTERVAL":
        masked = math.floor(exact / step) * step
    else:
        size = math.floor(abs(exact) / step + Fraction(1, 2)) * step
        masked = size if exact >= 0 else -size
    return str(masked) if isinstance(value, str) else float(masked) if isinstance(value, float) else masked


def _exact(value: object) -> Fraction | None:
    match value:
        case bool():
            return None
        case int():
            return Fraction(value)
        case float() if math.isfinite(value):
            return Fraction(value)
        case str() if re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,100})?", value):
            return Fraction(value)
    return None
