"""Dates and moments masked to years and bands of years, with the starts of bands kept once they are made."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from masking import words

_DATE = re.compile("([0-9]{4})-[0-9]{2}-[0-9]{2}").fullmatch
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T.{8,15}\+00:00", re.DOTALL).fullmatch
_DATE_LENGTH = 10


def compile_band(years: int) -> Callable[[object], str | None]:
    """A function that equals :func:`masking.reference.band` for bands of so many years."""
    starts = _Starts(years)

    def masked(value: object) -> str | None:
        if not isinstance(value, str):
            return None
        if len(value) == _DATE_LENGTH:
            return start(value)
        found = _MOMENT(value)
        if not found or re.search(words.UNFIT, value):
            return None
        day = start(found[1])
        return day and day + words.MOMENT_START

    def start(day: str) -> str | None:
        found = _DATE(day)
        if not found:
            return None
        try:
            date.fromisoformat(day)
        except ValueError:
            return None
        return starts[found[1]]

    return masked


class _Starts(dict[str, str]):
    """The first day of the band that a year is in, by the year's digits."""

    def __init__(self, years: int) -> None:
        self._years = years

    def __missing__(self, digits: str) -> str:
        year = int(digits)
        start = self[digits] = f"{max(year - year % self._years, 1):04}{words.YEAR_START}"
        return start
