"""How many values of a meaning look alike behind a mask: counted where they can be, else by a formula that says what it assumes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import prod

from hub.masking.meanings import FIRST_YEAR, LAST_YEAR, MOBILE_PREFIXES, Meaning, division_codes

Known = Mapping[int, str]
"""Characters that are shown, by their place from 0."""


@dataclass(frozen=True, slots=True)
class Count:
    """``exact``: counted; else an estimate whose assumptions ``zh`` and ``en`` tell."""

    candidates: int
    exact: bool
    zh: str
    en: str


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""GB 11643-1999: weights of the first 17 digits; the check character is that of the sum modulo 11."""
_CHECKS = "10X98765432"
_ORDERS = tuple(f"{order:03d}" for order in range(1000))


@cache
def _days() -> tuple[str, ...]:
    first = date(FIRST_YEAR, 1, 1)
    return tuple((first + timedelta(days=n)).strftime("%Y%m%d") for n in range((date(LAST_YEAR, 12, 31) - first).days + 1))


@cache
def _old_days() -> tuple[str, ...]:
    return tuple(day[2:] for day in _days() if day < "2000")


def dates() -> Iterable[str]:
    """The days of birth that the arithmetic assumes, as ISO 8601."""
    return (f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in _days())


def _fitting(parts: tuple[str, ...], start: int, known: Known) -> Sequence[str]:
    """The parts, digits of one length, that agree with what is known of their places."""
    places = range(start, start + len(parts[0]))
    if not any(place in known for place in places):
        return parts
    pattern = "".join(re.escape(known[place]) if place in known else "[0-9]" for place in places)
    return re.findall(pattern, _joined(parts))


@cache
def _joined(parts: tuple[str, ...]) -> str:
    return "\n".join(parts)


def _sums(parts: tuple[str, ...], start: int, known: Known) -> list[int]:
    """How many of the parts that agree have which weighted sum modulo 11."""
    found = [0] * 11
    weighted = _weighted(parts, start)
    for part in _fitting(parts, start, known):
        found[weighted[part]] += 1
    return found


@cache
def _weighted(parts: tuple[str, ...], start: int) -> dict[str, int]:
    return {part: sum(weight * int(digit) for weight, digit in zip(_WEIGHTS[start:], part, strict=False)) % 11 for part in parts}


def _added(one: list[int], other: list[int]) -> list[int]:
    return [sum(one[rest] * other[(total - rest) % 11] for rest in range(11)) for total in range(11)]


def resident_ids(known: Known) -> Count:
    """Exact: county codes in force × days of birth × order numbers whose check character fits."""
    sums = _added(_added(_sums(division_codes(), 0, known), _sums(_days(), 6, known)), _sums(_ORDERS, 14, known))
    count = sum(number for total, number in enumerate(sums) if known.get(17, _CHECKS[total]) == _CHECKS[total])
    zh = f"现行县级代码 {len(division_codes())} 个 × {FIRST_YEAR}–{LAST_YEAR} 年出生日期 × 顺序码 000–999，校验码相符 (GB 11643)"
    en = f"{len(division_codes())} county codes in force × births {FIRST_YEAR}–{LAST_YEAR} × order 000–999 whose check character fits (GB 11643)"
    return Count(count, True, zh, en)


def old_resident_ids(known: Known) -> Count:
    """Exact, of 15 digits: county codes × days of birth of the last century × order numbers."""
    parts = ((division_codes(), 0), (_old_days(), 6), (_ORDERS, 12))
    count = prod(len(_fitting(each, start, known)) for each, start in parts)
    return Count(
        count,
        True,
        f"15 位旧号码：县级代码 × {FIRST_YEAR}–1999 年出生日期 × 顺序码",
        f"old number of 15 digits: county codes × births {FIRST_YEAR}–1999 × order",
    )


def mobiles(known: Known) -> Count:
    """Exact: prefixes in use × 10^8."""
    count = len(_fitting(MOBILE_PREFIXES, 0, known)) * 10 ** sum(place not in known for place in range(3, 11))
    return Count(count, True, f"在用号段 {len(MOBILE_PREFIXES)} 个 × 10^8", f"{len(MOBILE_PREFIXES)} prefixes in use × 10^8")


def cards(known: Known, length: int) -> Count:
    """Exact where 62 begins the number: one digit follows from the others by Luhn's formula (ISO/IEC 7812-1)."""
    unknown = sum(place not in known for place in range(2, length))
    texts = ("62 开头，校验位由 Luhn 算法确定", "begins with 62, one digit follows by Luhn's formula (ISO/IEC 7812-1)")
    return Count(10 ** max(unknown - 1, 0), True, *texts)


GIVEN = 300
"""Characters of which most given names are made: an assumption."""
HOUSEHOLDS = 170_000
"""Households in a county-level division: 494 million of the 2020 census by 2,843 divisions."""
DIVISIONS, CITIES = 2843, 333
POPULATION = 1_410_000_000
"""People of the 2020 census: no name or address leaves more to guess."""
_SURNAMES = 100


def names(text: str, known: Known, length_known: bool) -> Count:
    """An estimate: given names of one or two characters, of which the common ones come first by far."""
    surname = 2 if text[:2] == "欧阳" else 1
    hidden = sum(place not in known for place in range(surname, len(text)))
    given = GIVEN**hidden if length_known else GIVEN + GIVEN**2 if hidden else 1
    count = given * (1 if all(place in known for place in range(surname)) else _SURNAMES)
    zh = f"常用名字用字约 {GIVEN} 个、常见姓氏 {_SURNAMES} 个；重名不计，常见名字更容易猜中"
    en = f"about {GIVEN} common characters of given names, {_SURNAMES} common surnames; common names are guessed first"
    return Count(count, False, zh, en)


def addresses(masked: str) -> Count | None:
    """An estimate by households; ``None`` where more than a division is shown."""
    shown = masked.rstrip("*")
    if shown.endswith(("区", "县", "旗")) or (shown.endswith("市") and "州" in shown):
        count = HOUSEHOLDS
    elif shown.endswith("市"):
        count = HOUSEHOLDS * DIVISIONS // CITIES
    elif not shown:
        count = HOUSEHOLDS * DIVISIONS
    else:
        return None
    return Count(
        count,
        False,
        f"每个县级区划约 {HOUSEHOLDS:,} 户 (2020 年人口普查均值)",
        f"about {HOUSEHOLDS:,} households in a county-level division (2020 census, mean)",
    )


def characters(text: str, known: Known, length_known: bool) -> Count:
    """An upper bound: every hidden character may be any of its kind."""
    count = prod(_kinds(character) for place, character in enumerate(text) if place not in known)
    zh = "上界：隐去的每个字符可为同类任一字符（数字 10、字母 26、汉字 3,500）" + ("" if length_known else "；长度未知，更多")
    en = "upper bound: each hidden character is any of its kind (digits 10, letters 26, ideographs 3,500)" + (
        "" if length_known else "; more, for the length is hidden"
    )
    return Count(count, False, zh, en)


def bounded(count: Count, most: int, zh: str, en: str) -> Count:
    """The count, or ``most`` where the formula gives more than there can be."""
    return count if count.candidates <= most else Count(most, False, zh, en)


def _kinds(character: str) -> int:
    if character.isascii():
        return 10 if character.isdigit() else 26 if character.isalpha() else 1
    return 3500


@cache
def whole(meaning: Meaning) -> Count:
    """All values of a meaning: what remains where nothing is shown."""
    match meaning:
        case Meaning.RESIDENT_ID:
            return resident_ids({})
        case Meaning.MOBILE:
            return mobiles({})
        case Meaning.BANK_CARD:
            return cards({}, 19)
        case Meaning.ADDRESS:
            return addresses("") or Count(HOUSEHOLDS * DIVISIONS, False, "", "")
        case Meaning.NAME:
            return names("王伟明", {}, False)
        case Meaning.DATE | Meaning.DATETIME:
            return Count(len(_days()), True, f"{FIRST_YEAR}–{LAST_YEAR} 年的日期", f"days of {FIRST_YEAR}–{LAST_YEAR}")
        case Meaning.LANDLINE:
            return Count(10**11, False, "区号与号码共约 11 位", "about 11 digits with the area code")
    return Count(10**12, False, "取值范围未知，按 10^12 计", "the range of values is not known: taken as 10^12")
