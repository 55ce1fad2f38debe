"""Selections over rows that are in the hub already, for sources that cannot filter, order, compare or mask themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from connectors.selection import SALT, Column, Compare, Comparison, Every, Linked, Match, Not, Order, Predicate, Row, Selection, Some, Undeliverable, Value
from connectors.shaping import Shaping, shaping
from connectors.spi import Parameters
from connectors.wire import comparable, scrambled

Truth = bool | None
"""True, false, or unknown."""
Test = Callable[[Row], Truth]
Places = dict[str, int]

_RANGE: dict[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQ: lambda left, right: bool(left == right),
    Comparison.NE: lambda left, right: bool(left != right),
    Comparison.GT: lambda left, right: bool(left > right),
    Comparison.GTE: lambda left, right: bool(left >= right),
    Comparison.LT: lambda left, right: bool(left < right),
    Comparison.LTE: lambda left, right: bool(left <= right),
    Comparison.STARTS_WITH: lambda left, right: bool(left.startswith(right)),
}


def needed_columns(selection: Selection) -> list[Column]:
    """The raw columns, each once, that a selection's outputs, predicate and order need."""
    columns = [Column(each.column, each.kind) for each in _compared(selection.where)]
    columns += [Column(each.column, each.kind) for each in selection.order]
    columns += [Column(each.column if isinstance(each, Match) else each.name, each.kind) for each in selection.outputs]
    return list({column.name: column for column in columns}.values())


def answer(selection: Selection, parameters: Parameters, columns: Sequence[Column], rows: Iterable[Row]) -> list[Row]:
    """The selection's rows of ``rows``, which hold ``columns``: filtered, ordered, behind ``after``, limited, masked."""
    places = {column.name: place for place, column in enumerate(columns)}
    return _shape(selection, places, parameters)(_choice(selection, places, parameters)(rows))


def answers(selection: Selection, parameters: Parameters, columns: Sequence[Column], groups: Mapping[Value, Iterable[Row]]) -> dict[Value, Sequence[Row]]:
    """The same of each group by itself; groups of which nothing is left are left out."""
    places = {column.name: place for place, column in enumerate(columns)}
    choose = _choice(selection, places, parameters)
    chosen = {value: kept for value, rows in groups.items() if (kept := choose(rows))}
    # Masked all at once: most groups are of one row.
    shaped = iter(_shape(selection, places, parameters)([row for rows in chosen.values() for row in rows]))
    return {value: list(islice(shaped, len(rows))) for value, rows in chosen.items()}


def _choice(selection: Selection, places: Places, parameters: Parameters) -> Callable[[Iterable[Row]], list[Row]]:
    """Which rows are the selection's, in its order."""
    holds = condition(selection.where, places, parameters)
    behind = _behind(selection, places, parameters) if selection.after else None
    limit = None if selection.limit is None else _number(parameters[selection.limit])
    sorting = [(_sorted_by(key, parameters), places[key.column], key.descending) for key in selection.order]

    def chosen(rows: Iterable[Row]) -> list[Row]:
        kept = [row for row in rows if holds(row) and (behind is None or behind(row))]
        return _ordered(kept, sorting)[:limit]

    return chosen


def _shape(selection: Selection, places: Places, parameters: Parameters) -> Shaping:
    return shaping(selection.outputs, places, lambda match: _verified(match, places, parameters))


def condition(where: Predicate | None, places: Places, parameters: Parameters) -> Test:
    """The predicate over rows whose columns lie at ``places``, in three-valued logic."""
    match where:
        case None:
            return lambda _row: True
        case Every(parts):
            return _every([condition(part, places, parameters) for part in parts])
        case Some(parts):
            return _some([condition(part, places, parameters) for part in parts])
        case Not(part):
            return _not(condition(part, places, parameters))
        case Compare():
            return _compare(where, places, parameters)
        case Linked():
            raise TypeError("a filter through a link is done by the source or not at all")


def _verified(match: Match, places: Places, parameters: Parameters) -> Callable[[Row], Any]:
    stored, same = places[match.column], _compare(Compare(match.column, match.kind, Comparison.IN, match.parameter), places, parameters)
    return lambda row: row[stored] if isinstance(row[stored], Undeliverable) else same(row)


def _every(tests: list[Test]) -> Test:
    def every(row: Row) -> Truth:
        truths = [test(row) for test in tests]
        return False if False in truths else None if None in truths else True

    return every


def _some(tests: list[Test]) -> Test:
    def some(row: Row) -> Truth:
        truths = [test(row) for test in tests]
        return True if True in truths else None if None in truths else False

    return some


def _not(test: Test) -> Test:
    def negated(row: Row) -> Truth:
        truth = test(row)
        return None if truth is None else not truth

    return negated


def _compare(part: Compare, places: Places, parameters: Parameters) -> Test:
    place, kind, bound = places[part.column], part.kind, parameters[part.parameter]
    if part.comparison is Comparison.IS_NULL:
        return lambda row: None if bound is None else (row[place] is None) == bound
    if part.comparison in (Comparison.IN, Comparison.NOT_IN):
        return _among(part, place, bound)
    test, right = _RANGE[part.comparison], comparable(_one(bound), kind)

    def compare(row: Row) -> Truth:
        left = comparable(row[place], kind)
        return None if left is None or right is None else test(left, right)

    return compare


def _among(part: Compare, place: int, bound: Value | Sequence[Value]) -> Test:
    kind, wanted = part.kind, part.comparison is Comparison.IN
    if bound is None or isinstance(bound, str | int | float):
        raise TypeError(f"parameter {part.parameter} must bind a list")
    choices = {comparable(value, kind) for value in bound}

    def among(row: Row) -> Truth:
        left = comparable(row[place], kind)
        if left is None and choices:
            return None
        return (left in choices) == wanted

    return among


def _sorted_by(key: Order, parameters: Parameters) -> Callable[[Value], Any]:
    """What values of the key are compared by."""
    if key.scrambled:
        salt = str(_one(parameters[SALT]))
        return lambda value: scrambled(salt, value)
    return lambda value: comparable(value, key.kind)


def _ordered(rows: list[Row], sorting: Sequence[tuple[Callable[[Value], Any], int, bool]]) -> list[Row]:
    for sorted_by, place, descending in reversed(sorting):
        keyed = [(sorted_by(row[place]), row) for row in rows]
        known = [pair for pair in keyed if pair[0] is not None]
        known.sort(key=lambda pair: pair[0], reverse=descending)
        rows = [row for _, row in known] + [row for value, row in keyed if value is None]
    return rows


def _behind(selection: Selection, places: Places, parameters: Parameters) -> Callable[[Row], bool]:
    sorting = [_sorted_by(key, parameters) for key in selection.order]
    named = zip(selection.order, sorting, selection.after, strict=True)
    keys = [(places[key.column], key, sorted_by, sorted_by(_one(parameters[name]))) for key, sorted_by, name in named]

    def behind(row: Row) -> bool:
        for place, key, sorted_by, position in keys:
            value = sorted_by(row[place])
            if value == position and (value is not None or key.nullable):
                continue
            if value is None or position is None:
                return key.nullable and value is None
            return bool(value < position if key.descending else value > position)
        return False

    return behind


def _one(bound: Value | Sequence[Value]) -> Value:
    if bound is None or isinstance(bound, str | int | float):
        return bound
    raise TypeError("a comparison with one value is bound to a list")


def _number(bound: Value | Sequence[Value]) -> int:
    if isinstance(bound, int):
        return bound
    raise TypeError("a limit must bind an integer")


def _compared(where: Predicate | None) -> list[Compare]:
    match where:
        case Every(parts) | Some(parts):
            return [compare for part in parts for compare in _compared(part)]
        case Not(part):
            return _compared(part)
        case Compare():
            return [where]
        case Linked(column, kind):
            return [Compare(column, kind, Comparison.EQ, "")]
    return []
