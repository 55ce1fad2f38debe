"""Dates and moments as services write them: other separators, none, epochs, local times without an offset."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from connectors.rest.values import Reader, WrongType
from connectors.selection import UNDELIVERABLE, Kind, Value
from connectors.wire import utc_text

Parse = Callable[[Any], datetime]
"""Raises ``ValueError`` where there is no such moment."""
DateForm = Literal["iso", "space", "slash", "compact", "http", "seconds", "milliseconds", "dotnet", "odata"]

_OFFSET = r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
_TIME = rf"(?:[T ]([0-9]{{1,2}}):([0-9]{{2}})(?::([0-9]{{2}})(?:[.,]([0-9]{{1,9}}))?)? ?{_OFFSET})?"
_SEPARATORS: Mapping[str, str] = {"iso": "-", "space": "-", "slash": "/", "compact": ""}
_TEXTS: Mapping[str, re.Pattern[str]] = {
    "-": re.compile(rf"([0-9]{{4}})-([0-9]{{1,2}})-([0-9]{{1,2}}){_TIME}"),
    "/": re.compile(rf"([0-9]{{4}})/([0-9]{{1,2}})/([0-9]{{1,2}}){_TIME}"),
    "": re.compile(rf"([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})(?:T?([0-9]{{2}})([0-9]{{2}})(?:([0-9]{{2}})([0-9]{{3}})?)?{_OFFSET})?"),
}
_NUMBER = re.compile(r"-?[0-9]{1,17}(\.[0-9]{1,9})?")
_UNITS: Mapping[str, int] = {"seconds": 1_000_000, "milliseconds": 1000}
"""Microseconds."""
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HTTP = re.compile(
    rf"(?:(?:{'|'.join(_WEEKDAYS)}), )?([0-9]{{1,2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) ([0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}) (?:GMT|UTC|Z|([+-][0-9]{{4}}))"
)
_TICKS = re.compile(r"/Date\((-?[0-9]{1,17})([+-][0-9]{1,4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 10**17
"""Longer numbers are no dates, and cost nothing."""
_FIXED = re.compile(r"([+-])((?:0[0-9]|1[0-4])):([0-5][0-9])")


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """``+08:00``, ``UTC`` or a zone of the IANA's, such as ``Asia/Shanghai``.

    Raises:
        ValueError: it is none that is known here.
    """
    if fixed := _FIXED.fullmatch(name):
        offset = timedelta(hours=int(fixed[2]), minutes=int(fixed[3]))
        return timezone(-offset if fixed[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("须为时差或时区名 must be an offset such as +08:00, or a time zone such as Asia/Shanghai") from error


def reader(kind: Kind, form: DateForm, zone: str) -> Reader:
    """Reads a column of dates or moments. An empty text is null."""
    read, at = (_day if kind is Kind.DATE else _moment), zone_of(zone)
    parse = _OWN[form] if form in _OWN else _epoch(_UNITS[form]) if form in _UNITS else _text(form)

    def converted(value: Any) -> Value:
        if value == "":
            return None
        try:
            return read(parse(value), at)
        except (ValueError, OverflowError):
            return UNDELIVERABLE

    return converted


def written(value: Value, form: DateForm, zone: str) -> Value:
    """A wire value as the service writes it; null where it cannot write it so that it is read as the same value again."""
    if not isinstance(value, str):
        return None
    kind = Kind.DATE if len(value) == len("2026-01-01") else Kind.DATETIME
    try:
        made = _written(value, kind, form, zone_of(zone))
    except (ValueError, OverflowError):
        return None
    return made if reader(kind, form, zone)(made) == (value if kind is Kind.DATE else utc_text(value)) else None


def _written(value: str, kind: Kind, form: DateForm, zone: tzinfo) -> Value:
    day = kind is Kind.DATE
    local = datetime.combine(date.fromisoformat(value), time(), zone) if day else datetime.fromisoformat(utc_text(value) or "").astimezone(zone)
    if form in _UNITS:
        return (local - _EPOCH) // timedelta(microseconds=_UNITS[form])
    if form == "dotnet":
        return f"/Date({(local - _EPOCH) // timedelta(milliseconds=1)})/"
    if form == "http":
        at = local.astimezone(UTC)
        return f"{_WEEKDAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04} {at:%H:%M:%S} GMT"
    if form == "odata":
        return local.replace(tzinfo=None).isoformat()
    written_day = _SEPARATORS[form].join((f"{local.year:04}", f"{local.month:02}", f"{local.day:02}"))
    if day:
        return written_day
    if form == "compact":
        return f"{written_day}{local:%H%M%S}" + (f"{local.microsecond // 1000:03}" if local.microsecond else "")
    return f"{written_day}{'T' if form == 'iso' else ' '}{local.time().isoformat()}"


def _text(form: DateForm) -> Parse:
    pattern = _TEXTS[_SEPARATORS[form]]

    def parse(value: Any) -> datetime:
        if form == "compact" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if -_MOST < value < _MOST else ""
        if not isinstance(value, str):
            raise WrongType
        found = pattern.fullmatch(value.strip())
        if found is None:
            raise ValueError
        *numbers, fraction, offset = found.groups()
        year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
        zone = None if offset is None else datetime.fromisoformat(f"2026-01-01T00:00:00{offset}").tzinfo
        return datetime(year, month, day, hour, minute, second, int((fraction or "").ljust(6, "0")[:6]), zone)

    return parse


def _epoch(unit: int) -> Parse:
    def parse(value: Any) -> datetime:
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            value = Decimal(value.strip())
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise WrongType
        if not -_MOST < value < _MOST:
            raise ValueError
        return _EPOCH + timedelta(microseconds=round(Decimal(str(value)) * unit))

    return parse


def _http(value: Any) -> datetime:
    """RFC 9110 §5.6.7, and RFC 5322's offsets."""
    if not isinstance(value, str):
        raise WrongType
    found = _HTTP.fullmatch(value.strip())
    if found is None:
        raise ValueError
    day, month, year, clock, offset = found.groups()
    return datetime.fromisoformat(f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}T{clock}{offset or 'Z'}")


def _dotnet(value: Any) -> datetime:
    """Milliseconds since 1970, whatever the offset behind them."""
    found = _ticks(value)
    if found is None:
        raise ValueError
    return _EPOCH + timedelta(milliseconds=int(found[1]))


def _odata(value: Any) -> datetime:
    """Of OData 2: a moment where an offset is told, else the date and time of a clock, as is its ISO form."""
    found = _ticks(value)
    if found is None:
        return _ISO(value)
    at = _EPOCH + timedelta(milliseconds=int(found[1]))
    return at if found[2] else at.replace(tzinfo=None)


def _ticks(value: Any) -> re.Match[str] | None:
    if not isinstance(value, str):
        raise WrongType
    return _TICKS.fullmatch(value.strip())


_ISO = _text("iso")
_OWN: Mapping[str, Parse] = {"http": _http, "dotnet": _dotnet, "odata": _odata}
"""Forms that are neither digits with separators nor numbers."""


def _moment(found: datetime, zone: tzinfo) -> str:
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC).isoformat()


def _day(found: datetime, zone: tzinfo) -> Value:
    """The day that begins at that moment; any other moment is no date."""
    if found.tzinfo is None:
        return found.date().isoformat() if found.time() == time() else UNDELIVERABLE
    day = found.astimezone(zone).date()
    return day.isoformat() if datetime.combine(day, time(), zone).astimezone(UTC) == found.astimezone(UTC) else UNDELIVERABLE
