"""The forms in which people write dates and moments in files."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from connectors.files.findings import Wrong

_FORMS = {
    "iso": re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"),
    "slash": re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})"),
    "compact": re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})"),
    "chinese": re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日"),
}
_CLOCK = re.compile(r"([0-9]{1,2}):?([0-9]{2})(?::?([0-9]{2})(?:[.,]([0-9]{1,9}))?)?\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?")
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's serial number counts days on a calendar without zone
_FIRST_SERIAL, _LAST_SERIAL = 61, 2_958_466
"""From 1900-03-01, before which Excel counts a day that did not exist, to 9999-12-31."""


def dated(cell: str | float, forms: Collection[str], *, clock: bool = False) -> tuple[date, time]:
    """Date and, where ``clock``, time of day of a cell; a number is an Excel serial number. The time has an offset where one is written.

    Raises:
        Wrong: ``DATE``: no form that is accepted; ``DATE_NOT_REAL``: no such day.
    """
    if not isinstance(cell, str):
        return _serial(cell, forms, clock)
    text = cell.strip()
    for name, form in _FORMS.items():
        found = form.match(text)
        if found and (not forms or name in forms):
            rest = text[found.end() :]
            if rest and not clock:
                continue
            return _day(found), _time(rest.lstrip("T ")) if rest else time.min
    raise Wrong("DATE")


def _day(found: re.Match[str]) -> date:
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise Wrong("DATE_NOT_REAL") from None


def _time(text: str) -> time:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise Wrong("DATE")
    fraction = (found[4] or "").ljust(6, "0")[:6]
    offset = found[5] or ""
    shown = f"{int(found[1]):02}:{found[2]}:{found[3] or '00'}.{fraction}{'+00:00' if offset == 'Z' else offset}"
    try:
        return time.fromisoformat(shown)
    except ValueError:
        raise Wrong("DATE_NOT_REAL") from None


def _serial(number: float, forms: Collection[str], clock: bool) -> tuple[date, time]:
    if isinstance(number, bool) or (forms and "excel" not in forms) or not _FIRST_SERIAL <= number < _LAST_SERIAL or (not clock and number != int(number)):
        raise Wrong("DATE")
    moment = _EXCEL_EPOCH + timedelta(seconds=round(number * 86400, 3))
    return moment.date(), moment.time()
