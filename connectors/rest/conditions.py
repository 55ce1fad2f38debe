"""Conditions on a column in the way in which a service takes them: plain parameters, OData's ``$filter``, PostgREST's operators.

Values are written by their kind, quoted and escaped; none can become a part of the condition around it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from connectors.rest.endpoint import Endpoint, KeyParameter
from connectors.rest.template import text_of
from connectors.selection import Kind, Value

FILTER = "$filter"
Sent = Value | tuple[Value, ...]
"""One value of a parameter, or several at once."""


class Clause(str):
    """A whole condition of OData's ``$filter``."""

    __slots__ = ()


_BARE = {
    Kind.DECIMAL: re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?"),
    Kind.DATE: re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    Kind.DATETIME: re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?\+00:00"),
}
"""What OData writes without quotes although it is a text here."""


def equal(endpoint: Endpoint, name: str, kind: Kind, value: Value) -> Sent:
    """The column ``name`` has the value."""
    return _compared(endpoint, name, "eq", kind, value)


def beyond(endpoint: Endpoint, name: str, kind: Kind, value: Value) -> Sent:
    """The column ``name`` has a greater value."""
    return _compared(endpoint, name, "gt", kind, value)


def among(endpoint: Endpoint, key: KeyParameter, kind: Kind, values: Sequence[Value]) -> Sent:
    """The column has one of the values."""
    if endpoint.filter_style == "odata":
        return Clause(f"({' or '.join(f'{key.parameter} eq {_literal(kind, value)}' for value in values)})")
    if endpoint.filter_style == "postgrest":
        return f"in.({','.join(map(_element, values))})"
    return key.separator.join(map(text_of, values)) if key.style == "separator" else tuple(values)


def takes_separator(endpoint: Endpoint, key: KeyParameter) -> bool:
    """A list is one text, in which values that hold the separator cannot be told apart."""
    return endpoint.filter_style == "plain" and key.style == "separator"


def merged(conditions: Mapping[str, Sent], paging: Mapping[str, Sent]) -> dict[str, Sent]:
    """All that is sent. A column with a condition, behind whose position the page begins, has both."""
    both = {name: (*_several(conditions[name]), *_several(paging[name])) for name in conditions if name in paging}
    return {**conditions, **paging, **both}


def pairs(sent: Mapping[str, Sent]) -> list[tuple[str, str]]:
    """Names and texts, not encoded yet, in which clauses are one."""
    flat = [(name, each) for name, value in sent.items() for each in _several(value)]
    clauses = [each for _, each in flat if isinstance(each, Clause)]
    plain = [(name, text_of(each)) for name, each in flat if not isinstance(each, Clause)]
    return [*plain, (FILTER, " and ".join(clauses))] if clauses else plain


def _several(value: Sent) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else (value,)


def _compared(endpoint: Endpoint, name: str, operator: str, kind: Kind, value: Value) -> Sent:
    if endpoint.filter_style == "odata":
        return Clause(f"{name} {operator} {_literal(kind, value)}")
    return f"{operator}.{text_of(value)}" if endpoint.filter_style == "postgrest" else value


def _literal(kind: Kind, value: Value) -> str:
    """A literal of OData 4.01, part 2, §5.1.1.14: a text in quotes, unless it is provably a number, date or moment."""
    if not isinstance(value, str):
        return text_of(value)
    if (bare := _BARE.get(kind)) is not None and bare.fullmatch(value):
        return value.replace("+00:00", "Z")
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def _element(value: Value) -> str:
    """An element of PostgREST's lists."""
    if not isinstance(value, str):
        return text_of(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
