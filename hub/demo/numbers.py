"""Numbers that hold together: resident identity numbers, unified social credit codes, mobile numbers, licence numbers."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from random import Random

from stdnum import numdb
from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_10

from hub.demo.divisions import CITY, COUNTY, divisions

MALE, FEMALE = "男", "女"
_PREFIXES = (*range(133, 140), *range(150, 154), *range(157, 160), 166, 173, 177, *range(180, 184), *range(185, 190), 191, 193, 198, 199)
_NEIGHBOURS = ("43", "45", "50", "51", "53")
_ORGANISATION = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_TERM = re.compile(r"\[(\d*)-(\d*)\]")
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


class Numbers:
    """Draws numbers, each at most once."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._drawn: set[str] = set()

    def resident(self, birth: date, gender: str) -> str:
        """A resident identity number (GB 11643): most people were registered in the city, or where its codes are too young, in the province."""
        while True:
            order = 2 * int(self._rng.random() * 498) + (gender == MALE)
            stem = f"{self._place(birth.year)}{birth:%Y%m%d}{order:03d}"
            number = stem + ric.calc_check_digit(stem + "0")
            if self._new(number):
                return number

    def company(self, district: str, kind: str = "1") -> str:
        """A unified social credit code (GB 32100) of the registrar for companies (``kind`` 1) or sole traders (``kind`` 2)."""
        while True:
            stem = f"9{kind}{district}{organisation_code('MA' + ''.join(self._rng.choices(_ORGANISATION, k=6)))}"
            code = stem + uscc.calc_check_digit(stem)
            if self._new(code):
                return code

    def mobile(self) -> str:
        """An eleven-digit mobile number with an assigned prefix."""
        return f"{self._rng.choice(_PREFIXES)}{int(self._rng.random() * 10**8):08d}"

    def _new(self, number: str) -> bool:
        known = number in self._drawn
        self._drawn.add(number)
        return not known

    def _place(self, year: int) -> str:
        city, province, elsewhere = _places(year)
        draw = self._rng.random()
        if city and draw < 0.7:
            return self._rng.choice(city)
        return self._rng.choice(province if draw < 0.9 else elsewhere)


def organisation_code(stem: str) -> str:
    """An organisation code (GB 11714): eight characters and their check character."""
    total = sum(weight * int(character, 36) for weight, character in zip(_ORGANISATION_WEIGHTS, stem, strict=True))
    check = 11 - total % 11
    return stem + {10: "X", 11: "0"}.get(check, str(check))


def food_licence(category: int, district: str, serial: int) -> str:
    """The number of a food business licence: ``JY``, category, division, serial, and a check digit (GB/T 17710)."""
    stem = f"{category}{district}{serial:06d}"
    return f"JY{stem}{mod_11_10.calc_check_digit(stem)}"


@cache
def _places(year: int) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Codes under which a birth of that year could be registered: in the city, in the rest of the province, in the provinces around it."""
    city, province, around = _candidates()
    return _in_force(city, year), _in_force(province, year), _in_force(around, year)


@cache
def _candidates() -> tuple[list[str], list[str], list[str]]:
    codes = [division.code for division in divisions() if division.level == COUNTY]
    city = [code for code in codes if code[:4] == CITY[:4]]
    province = [code for code in codes if code[:2] == CITY[:2] and code[:4] != CITY[:4]]
    return city, province, [code for code in codes if code[:2] in _NEIGHBOURS][::12]


def _in_force(codes: list[str], year: int) -> tuple[str, ...]:
    return tuple(code for code in codes if any(first <= year <= last for first, last in _terms(code)))


@cache
def _terms(code: str) -> tuple[tuple[int, int], ...]:
    """The years in which a county's code was assigned, first and last, out of python-stdnum's history of codes."""
    history = [properties["county"] for _, properties in numdb.get("cn/loc").info(code) if "county" in properties]
    found = [_TERM.match(part) for part in history[-1].split(",")] if history else []
    return tuple((int(term[1] or 0), int(term[2] or 9999)) if term else (0, 9999) for term in found)
