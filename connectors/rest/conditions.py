"""Conditions on a column in the way in which a service takes them: plain parameters, OData's ``$filter``, PostgREST's operators.

Values are written by their kind, quoted and escaped; none can become a part of the condition around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.rest.endpoint import Endpoint, KeyParameter
from connectors.rest.odata import literal
from connectors.rest.template import text_of
from connectors.selection import Kind, Value

FILTER = "$filter"
Sent = Value | tuple[Value, ...]
"""One value of a parameter, or several at once."""


class Clause(str):
    """A whole condition of OData's ``$filter``."""

    __slots__ = ()


ODATA = frozenset({"odata", "odata2"})


def equal(endpoint: Endpoint, column: str, name: str, kind: Kind, value: Value) -> Sent:
    """The column, which the service calls ``name``, has the value."""
    return _compared(endpoint, (column, name, "eq"), kind, value)


def beyond(endpoint: Endpoint, column: str, name: str, kind: Kind, value: Value) -> Sent:
    """The column, which the service calls ``name``, has a greater value."""
    return _compared(endpoint, (column, name, "gt"), kind, value)


def among(endpoint: Endpoint, column: str, key: KeyParameter, kind: Kind, values: Sequence[Value]) -> Sent:
    """The column has one of the values."""
    if endpoint.filter_style in ODATA:
        return Clause(f"({' or '.join(f'{key.parameter} eq {literal(endpoint, column, kind, value)}' for value in values)})")
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


def queried(endpoint: Endpoint, sent: Mapping[str, Sent]) -> dict[str, Sent]:
    """The endpoint's fixed query and what is sent. In a language of conditions a fixed one holds beside those that are sent."""
    fixed: dict[str, Sent] = dict(endpoint.query)
    if endpoint.filter_style in ODATA and FILTER in fixed:
        fixed[FILTER] = Clause(f"({fixed[FILTER]})")
    selecting = {*endpoint.filters.values(), *(key.parameter for key in endpoint.keys.values()), endpoint.after}
    shared = [name for name in fixed if name in sent and name in selecting and endpoint.filter_style != "plain"]
    return {**fixed, **sent, **{name: (*_several(fixed[name]), *_several(sent[name])) for name in shared}}


def pairs(sent: Mapping[str, Sent]) -> list[tuple[str, str]]:
    """Names and texts, not encoded yet, in which clauses are one."""
    flat = [(name, each) for name, value in sent.items() for each in _several(value)]
    clauses = [each for _, each in flat if isinstance(each, Clause)]
    plain = [(name, text_of(each)) for name, each in flat if not isinstance(each, Clause)]
    return [*plain, (FILTER, " and ".join(clauses))] if clauses else plain


def _several(value: Sent) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else (value,)


def _compared(endpoint: Endpoint, asked: tuple[str, str, str], kind: Kind, value: Value) -> Sent:
    column, name, operator = asked
    if endpoint.filter_style in ODATA:
        return Clause(f"{name} {operator} {literal(endpoint, column, kind, value)}")
    return f"{operator}.{text_of(value)}" if endpoint.filter_style == "postgrest" else value


def _element(value: Value) -> str:
    """An element of PostgREST's lists."""
    if not isinstance(value, str):
        return text_of(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
