"""Which part of a predicate a service can answer itself, and by which requests. All of it is checked again in the hub: a service that ignores
a parameter shows nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from connectors.errors import SourceRefused
from connectors.rest.bounds import bounds
from connectors.rest.conditions import Sent, among, equal, takes_separator
from connectors.rest.endpoint import Endpoint, KeyParameter
from connectors.rest.spelling import spelt
from connectors.rest.template import addressable, columns_of, fill, text_of
from connectors.selection import Column, Kind, Predicate, Value
from connectors.spi import Parameters

_SINGLES = 20
"""Values that are asked for one by one where a service filters by a column but takes no lists of it."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the endpoint. ``single``: it answers with one item at ``items``, else with a page of them."""

    path: str
    items: str
    single: bool = False


Held = tuple[tuple[str, tuple[Value, ...]], ...]
"""Columns, and the values of which each must have one."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One collection or item to read: ``path`` is filled and encoded, ``filled`` where it holds a value.

    Rows count for this request only where they hold ``only``: a service that ignores a parameter would send them for the others again.
    """

    route: Route
    path: str
    parameters: Mapping[str, Sent]
    filled: bool = False
    only: Held = ()


@dataclass(frozen=True, slots=True)
class Pushed:
    """What to ask so that the answers together hold every row of the predicate; nothing where no row can satisfy it.

    ``whole``: they hold no other rows.
    """

    asks: tuple[Ask, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """What one of several requests sends, and which of the values are its own."""

    parameters: Mapping[str, Sent]
    only: Held = ()

    def with_one(self, name: str, value: Sent, column: str, values: Sequence[Value]) -> _Part:
        return _Part({**self.parameters, name: value}, (*self.only, (column, tuple(values))))


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to ask: columns of the path by value, other columns' values in parameters."""

    route: Route
    placed: Mapping[str, Sequence[Value]]
    spread: Sequence[_Part]
    whole: bool
    narrow: bool

    @property
    def requests(self) -> int:
        number = len(self.spread)
        for values in self.placed.values():
            number *= len(values)
        return number


@dataclass(frozen=True, slots=True)
class _Question:
    source: str
    endpoint: Endpoint
    bound: Mapping[str, Sequence[Value]]
    kinds: Mapping[str, Kind]


def push(source: str, endpoint: Endpoint, where: Predicate | None, parameters: Parameters, keys: tuple[Column, Sequence[Value]] | None = None) -> Pushed:
    """The requests for a predicate, and for one column that must have one of some values besides.

    Raises:
        SourceRefused: the service cannot be asked so: its path needs a value that is not there, or too many requests would be needed.
    """
    found = bounds(endpoint, where, parameters, keys)
    if found.impossible:
        return Pushed((), whole=True)
    question = _Question(source, endpoint, found.values, found.kinds)
    way = _best(question)
    return Pushed(tuple(_asks(endpoint, way)), found.whole and way.whole)


def _best(question: _Question) -> _Way:
    source, endpoint, bound = question.source, question.endpoint, question.bound
    routes = [Route(endpoint.path, endpoint.items)]
    routes += [Route(each.path, (each.items or "") if each.single else (each.items or endpoint.items), each.single) for each in endpoint.lookups]
    ways = [way for route in routes if (way := _way(question, route)) is not None]
    fitting = [way for way in ways if way.requests <= endpoint.max_requests]
    narrow = [way for way in fitting if way.narrow]
    if ways and (not fitting or (not narrow and any(way.narrow for way in ways))):
        most = f"more than {endpoint.max_requests} requests (`max_requests`) would be needed for one call"
        raise SourceRefused(source, f"{most}; ask for fewer values of {' and '.join(sorted(bound))} at once")
    if not fitting:
        raise SourceRefused(source, _unreachable(routes, bound))
    return min(narrow or fitting, key=lambda way: (way.requests, not way.route.single))


def _unreachable(routes: Sequence[Route], bound: Mapping[str, Sequence[Value]]) -> str:
    missing = [column for route in routes for column in columns_of(route.path) if column not in bound]
    if missing:
        return f"the service's path holds a value of {' and '.join(dict.fromkeys(missing))}; filter by equality on it"
    placed = [column for route in routes for column in columns_of(route.path)]
    return f"a value of {' or '.join(dict.fromkeys(placed))} cannot stand in the service's path: it is empty or holds a slash, backslash or control character"


def _way(question: _Question, route: Route) -> _Way | None:
    """How the route can be asked; ``None`` where its path needs what is not there."""
    endpoint, bound = question.endpoint, question.bound
    needed = columns_of(route.path)
    if any(
        column not in bound or not all(addressable(spelt(endpoint, column, value), endpoint.request_charset) for value in bound[column]) for column in needed
    ):
        return None
    way = _Way(route, {column: bound[column] for column in needed}, (_Part({}),), whole=True, narrow=bool(needed))
    # Lists first: where a column has been spread over requests, no other is.
    for column in sorted(bound, key=lambda name: (name not in endpoint.keys, len(bound[name]))):
        if column not in needed:
            way = replace(way, whole=False) if route.single else _narrowed(question, way, column)
    return way


def _narrowed(question: _Question, way: _Way, column: str) -> _Way:
    """The way with one more column in its parameters, if the service can do that. Only one column is spread over several requests."""
    endpoint, values, kind = question.endpoint, question.bound[column], question.kinds[column]
    name, key = endpoint.filters.get(column), endpoint.keys.get(column)
    undone = replace(way, whole=False)
    if name is not None and len(values) == 1:
        return replace(
            way,
            spread=tuple(each.with_one(name, equal(endpoint, column, name, kind, spelt(endpoint, column, values[0])), column, values) for each in way.spread),
            narrow=True,
        )
    if len(way.spread) > 1:
        return undone
    if key is not None:
        batches = _batches(question, key, column)
        return replace(way, spread=tuple(way.spread[0].with_one(key.parameter, sent, column, batch) for sent, batch in batches), narrow=True)
    if name is not None and not way.narrow and len(values) <= min(_SINGLES, endpoint.max_requests):
        return replace(
            way,
            spread=tuple(
                way.spread[0].with_one(name, equal(endpoint, column, name, kind, spelt(endpoint, column, value)), column, (value,)) for value in values
            ),
            narrow=True,
        )
    return undone


def _batches(question: _Question, key: KeyParameter, column: str) -> list[tuple[Sent, tuple[Value, ...]]]:
    endpoint, values, kind = question.endpoint, question.bound[column], question.kinds[column]
    lists = [tuple(values[start : start + key.most]) for start in range(0, len(values), key.most)]
    written = [[spelt(endpoint, column, value) for value in each] for each in lists]
    if takes_separator(endpoint, key) and any(key.separator in text_of(value) for each in written for value in each):
        raise SourceRefused(question.source, f"a value of {column} holds the separator {key.separator!r} of the service's lists")
    return [(among(endpoint, column, key, kind, each), own) for each, own in zip(written, lists, strict=True)]


def _asks(endpoint: Endpoint, way: _Way) -> Iterator[Ask]:
    for placed in product(*way.placed.values()):
        values = dict(zip(way.placed, placed, strict=True))
        own: Held = tuple((column, (value,)) for column, value in values.items())
        path = fill(way.route.path, {column: spelt(endpoint, column, value) for column, value in values.items()}, endpoint.request_charset)
        for part in way.spread:
            yield Ask(way.route, path, part.parameters, bool(placed), (*own, *part.only) if way.requests > 1 else ())
