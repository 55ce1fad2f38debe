"""Literals of OData's ``$filter``: of version 4 (4.01, part 2, §5.1.1.14), and of versions 2 and 3, which name their types."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from connectors.rest.dates import zone_of
from connectors.rest.endpoint import Endpoint
from connectors.rest.template import text_of
from connectors.selection import Kind, Value

_BARE = {
    Kind.DECIMAL: re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?"),
    Kind.DATE: re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    Kind.DATETIME: re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?\+00:00"),
}
"""What OData writes without quotes although it is a text here."""
_CLOCK = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INT32 = 2**31


def may_hold(endpoint: Endpoint, column: str, value: Value) -> bool:
    """A property of the column's type could have the value: to compare one with a text that is no GUID is an error of the request."""
    return endpoint.literals.get(column) != "guid" or (isinstance(value, str) and _GUID.fullmatch(value) is not None)


def compares(endpoint: Endpoint, column: str, kind: Kind) -> bool:
    """The service finds equal what the hub does: of the numbers that it holds as texts only whole ones have but one text."""
    return endpoint.literals.get(column) != "text" or kind in (Kind.STRING, Kind.INTEGER, Kind.BIGINT)


def tells_apart(endpoint: Endpoint, column: str) -> bool:
    """The service finds nothing equal that is not to the hub, as a GUID in capitals is to the service alone."""
    return endpoint.literals.get(column) != "guid"


def literal(endpoint: Endpoint, column: str, kind: Kind, value: Value) -> str:
    """A text in quotes, unless it is provably something else."""
    told, early = endpoint.literals.get(column), endpoint.filter_style == "odata2"
    if told == "text":
        return _quoted(text_of(value))
    if not isinstance(value, str):
        return f"{value}L" if early and _is_long(value) else text_of(value)
    if told == "guid" and _GUID.fullmatch(value):
        return f"guid'{value}'" if early else value
    if early and endpoint.dates.get(column) == "odata" and _CLOCK.fullmatch(value):
        at = datetime.fromisoformat(value).replace(tzinfo=zone_of(endpoint.zone)).astimezone(UTC)
        return f"datetimeoffset'{_in_utc(at.isoformat())}'" if told == "datetimeoffset" else f"datetime'{value}'"
    if (bare := _BARE.get(kind)) is None or not bare.fullmatch(value):
        return _quoted(value)
    return _early(kind, value, told) if early else _in_utc(value)


def _early(kind: Kind, value: str, told: str | None) -> str:
    """Of versions 2 and 3, which have no dates but moments alone."""
    if kind is Kind.DECIMAL:
        return f"{value}M"
    moment = f"{value}T00:00:00+00:00" if kind is Kind.DATE else value
    return f"datetimeoffset'{_in_utc(moment)}'" if told == "datetimeoffset" else f"datetime'{moment.removesuffix('+00:00')}'"


def _in_utc(value: str) -> str:
    return value.replace("+00:00", "Z")


def _is_long(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and not -_INT32 <= value < _INT32


def _quoted(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
