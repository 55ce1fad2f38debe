"""What a service could be asked for: columns that must have one of some values, and the position behind which a page begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.errors import SourceRefused
from connectors.rest.answers import Null, form, nulls_of, reader_of
from connectors.rest.conditions import Sent, beyond
from connectors.rest.endpoint import Endpoint
from connectors.rest.odata import compares, may_hold, tells_apart
from connectors.rest.spelling import kind_of, spelt
from connectors.rest.template import columns_of, text_of
from connectors.rest.values import Reader, WrongType
from connectors.selection import Column, Compare, Comparison, Every, Kind, Predicate, Value
from connectors.spi import Parameters
from connectors.wire import comparable


@dataclass(frozen=True, slots=True)
class Bounds:
    """Columns, of which each must have one of its ``values``, and the ``kinds`` of what the service has there.

    ``whole``: the predicate says nothing else.
    """

    values: Mapping[str, Sequence[Value]]
    kinds: Mapping[str, Kind]
    whole: bool

    @property
    def impossible(self) -> bool:
        """A column has nothing left to equal."""
        return not all(self.values.values())


def bounds(endpoint: Endpoint, where: Predicate | None, parameters: Parameters, keys: tuple[Column, Sequence[Value]] | None) -> Bounds:
    """Those of a predicate, and of one column that must have one of some values besides; without values that nothing in the service can equal.

    Columns with values that the service could not write, or would not heed, are left to the hub; of keys, for which it would read all, the latter are not.
    """
    values: dict[str, Sequence[Value]] = {}
    kinds: dict[str, Kind] = {}
    whole = keys is None
    for part in _conjuncts(where):
        if isinstance(part, Compare) and part.comparison in (Comparison.EQ, Comparison.IN) and part.column not in values:
            values[part.column], kinds[part.column] = _listed(parameters[part.parameter]), part.kind
        else:
            whole = False
    if keys is not None:
        values[keys[0].name], kinds[keys[0].name] = keys[1], keys[0].kind
    held = {column: _held(endpoint, column, kinds[column], each) for column, each in values.items()}
    compared = {column: each for column, each in held.items() if compares(endpoint, column, kinds[column])}
    heard = {column: each for column, each in compared.items() if (keys is not None and column == keys[0].name) or not _ignored(endpoint, column, each)}
    writable = {column: each for column, each in heard.items() if all(spelt(endpoint, column, value) is not None for value in each)}
    whole = whole and len(writable) == len(held) and all(tells_apart(endpoint, column) for column in held)
    whole = whole and not any(_nulls_among(endpoint, Column(column, kinds[column]), each) for column, each in held.items())
    return Bounds(writable, {column: kind_of(endpoint, column, kind) for column, kind in kinds.items()}, whole)


def behind(source: str, endpoint: Endpoint, kind: Kind, after: Value) -> Sent:
    """What ``after`` is sent with, so that the items are those whose ``sorted_by`` is greater.

    Raises:
        SourceRefused: the service could not write the value.
    """
    column = endpoint.sorted_by or ""
    position = spelt(endpoint, column, after)
    if position is None:
        raise SourceRefused(source, f"the service cannot write the value of {column} to go on behind; leave `after` out")
    return beyond(endpoint, column, endpoint.after or "", kind_of(endpoint, column, kind), position)


def _listed(bound: Value | Sequence[Value]) -> Sequence[Value]:
    return [bound] if bound is None or isinstance(bound, str | int | float) else bound


def _held(endpoint: Endpoint, column: str, kind: Kind, values: Sequence[Value]) -> list[Value]:
    """Those that the service can send, each once: ``1.0`` and ``1.00`` are one, and asked for twice its rows would come twice."""
    nulls = nulls_of(endpoint, column) if kind is Kind.STRING else ()
    once: dict[object, Value] = {}
    for value in values:
        if value not in nulls and _sendable(value) and may_hold(endpoint, column, value):
            once.setdefault(comparable(value, kind), value)
    return [value for place, value in once.items() if place is not None]


def _ignored(endpoint: Endpoint, column: str, values: Sequence[Value]) -> bool:
    """An empty text in a parameter: many services take that for a parameter, or an element of a list, that is not there."""
    if column in columns_of(endpoint.path):
        # It is refused by a word of its own.
        return False
    return endpoint.filter_style == "plain" and "" in values and (column in endpoint.filters or column in endpoint.keys)


def _sendable(value: Value) -> bool:
    """It is no text that is no Unicode."""
    try:
        text_of(value).encode()
    except UnicodeEncodeError:
        return False
    return True


def _nulls_among(endpoint: Endpoint, column: Column, values: Sequence[Value]) -> bool:
    """A text that means null would be one of the values: the service, which selects by it, does not tell the two apart."""
    nulls = nulls_of(endpoint, column.name)
    if not nulls:
        return False
    read, wanted = reader_of(form(endpoint.format), endpoint, column), {comparable(value, column.kind) for value in values}
    return any(comparable(_value(read, text), column.kind) in wanted for text in nulls)


def _value(read: Reader, text: Null) -> Value:
    try:
        return read(text)
    except WrongType:
        return None


def _conjuncts(where: Predicate | None) -> Iterator[Predicate]:
    if isinstance(where, Every):
        for part in where.parts:
            yield from _conjuncts(part)
    elif where is not None:
        yield where
