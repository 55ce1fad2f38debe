"""Which part of a predicate a service can answer itself. All of it is checked again in the hub: a service that ignores a parameter shows nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.errors import SourceRefused
from connectors.rest.endpoint import Endpoint, KeyParameter
from connectors.selection import Compare, Comparison, Every, Predicate, Value
from connectors.spi import Parameters

Query = dict[str, str]


@dataclass(frozen=True, slots=True)
class Pushed:
    """Queries whose answers together hold every row of the predicate; none where no row can satisfy it.

    ``whole``: they hold no other rows. ``column`` is the key column whose values were split over the queries, if one was.
    """

    queries: tuple[Query, ...]
    whole: bool


def push(source: str, endpoint: Endpoint, where: Predicate | None, parameters: Parameters) -> Pushed:
    """Splits off what the service can do: equality on its filters and values of its keys, among the parts that must all hold."""
    query: Query = {}
    batches: list[Query] = [{}]
    whole = True
    for part in _conjuncts(where):
        wanted = _wanted(part, parameters)
        if wanted == []:
            return Pushed((), whole=True)
        if wanted is None or not isinstance(part, Compare):
            whole = False
        elif len(wanted) == 1 and (name := endpoint.filters.get(part.column)) is not None and name not in query:
            query[name] = query_text(wanted[0])
        elif (key := endpoint.keys.get(part.column)) is not None and batches == [{}]:
            batches = key_queries(source, key, wanted)
        else:
            whole = False
    return Pushed(tuple({**batch, **query} for batch in batches), whole)


def key_queries(source: str, key: KeyParameter, values: Sequence[Value]) -> list[Query]:
    """One query per ``most`` values.

    Raises:
        SourceRefused: a value holds the separator, so that it cannot be asked for.
    """
    texts = [query_text(value) for value in dict.fromkeys(values)]
    if any(key.separator in text for text in texts):
        raise SourceRefused(source, f"a value of {key.parameter} holds the separator {key.separator!r} of the service")
    return [{key.parameter: key.separator.join(texts[start : start + key.most])} for start in range(0, len(texts), key.most)]


def query_text(value: Value) -> str:
    """A wire value in a query: booleans as true and false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _conjuncts(where: Predicate | None) -> Iterator[Predicate]:
    if isinstance(where, Every):
        for part in where.parts:
            yield from _conjuncts(part)
    elif where is not None:
        yield where


def _wanted(part: Predicate, parameters: Parameters) -> list[Value] | None:
    """The values of which the column must have one; ``None`` where the part says something else. A null equals nothing."""
    if not isinstance(part, Compare) or part.comparison not in (Comparison.EQ, Comparison.IN):
        return None
    bound = parameters[part.parameter]
    values = [bound] if bound is None or isinstance(bound, str | int | float) else bound
    return [value for value in values if value is not None]
