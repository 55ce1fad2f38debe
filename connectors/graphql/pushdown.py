"""Which part of a selection a service does itself, as arguments of its list. All of it is checked again in the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.graphql.target import Target
from connectors.graphql.values import one, sent
from connectors.selection import Compare, Comparison, Every, Not, Order, Predicate, Selection, Some, Value
from connectors.spi import Parameters

MOST_IN = 1000
_MOST_PARTS, _MOST_DEPTH = 150, 8
"""What another hub takes in one filter, with room for what is added to it."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """``arguments`` of the list; ``whole`` where they say all of the predicate and of the position, ``ordered`` where the service orders.

    ``resumable`` where only the position cannot be said by values: the service's own cursors lead on.
    """

    arguments: Mapping[str, Any]
    whole: bool
    ordered: bool
    resumable: bool = False


def push(target: Target, selection: Selection, parameters: Parameters) -> Pushed:
    """The arguments for a selection."""
    parts = flat(selection.where)
    if not target.remote.huitong:
        return _by_arguments(target, selection, parts, parameters)
    inputs = [made for part in parts if (made := where_input(target, part, parameters)) is not None]
    whole = len(inputs) == len(parts)
    ordered = all(key.column in target.orders and not key.scrambled for key in selection.order)
    resumable = whole and ordered and not all(_ranged(target, key) for key in selection.order)
    if selection.after and ordered:
        bound = {f"#{key.column}": parameters[name] for key, name in zip(selection.order, selection.after, strict=True)}
        made = where_input(target, behind(selection.order, bound), bound)
        inputs += [] if made is None else [made]
        whole = whole and made is not None
    arguments: dict[str, Any] = {"where": inputs[0] if len(inputs) == 1 else {"and": inputs}} if inputs else {}
    if ordered and selection.order:
        arguments["orderBy"] = [{key.column: "DESC" if key.descending else "ASC"} for key in selection.order]
    return Pushed(arguments, whole, ordered, resumable)


def _ranged(target: Target, key: Order) -> bool:
    """The service has "greater" or "less than", as the order needs it."""
    comparison = Comparison.LT if key.descending else Comparison.GT
    return comparison.value in target.comparisons.get(key.column, {})


def flat(where: Predicate | None) -> list[Predicate]:
    """The parts that must all hold, without conjunctions inside each other."""
    if where is None:
        return []
    if isinstance(where, Every):
        return [inner for part in where.parts for inner in flat(part)]
    return [where]


def behind(order: Sequence[Order], bound: Mapping[str, Value | Sequence[Value]]) -> Predicate:
    """The rows that come behind a position, nulls last; ``bound`` holds the position by ``#column``."""
    ways: list[Predicate] = []
    for place, key in enumerate(order):
        if bound[f"#{key.column}"] is None:
            continue
        comparison = Comparison.LT if key.descending else Comparison.GT
        beyond: Predicate = Compare(key.column, key.kind, comparison, f"#{key.column}")
        if key.nullable:
            beyond = Some((beyond, Compare(key.column, key.kind, Comparison.IS_NULL, "")))
        same = [Compare(k.column, k.kind, Comparison.IS_NULL if bound[f"#{k.column}"] is None else Comparison.EQ, f"#{k.column}") for k in order[:place]]
        ways.append(Every((*same, beyond)) if same else beyond)
    return ways[0] if len(ways) == 1 else Some(tuple(ways))


def where_input(target: Target, part: Predicate, parameters: Parameters) -> dict[str, Any] | None:
    """A predicate as another hub's ``where``, or ``None`` where it cannot say it."""
    found = _Writer(target, parameters)
    try:
        return found.write(part, 0)
    except _Unsayable:
        return None


class _Unsayable(Exception):
    """The service has no such comparison, or not with this value."""


class _Writer:
    def __init__(self, target: Target, parameters: Parameters) -> None:
        self._target = target
        self._parameters = parameters
        self._parts = 0

    def write(self, part: Predicate, depth: int) -> dict[str, Any]:
        self._parts += 1
        if depth > _MOST_DEPTH or self._parts > _MOST_PARTS:
            raise _Unsayable
        match part:
            case Compare():
                return self._compare(part)
            case Every(parts):
                return {"and": [self.write(each, depth + 1) for each in parts]}
            case Some(parts):
                return {"or": [self.write(each, depth + 1) for each in parts]}
            case Not(negated):
                return {"not": self.write(negated, depth + 1)}
        raise _Unsayable

    def _compare(self, part: Compare) -> dict[str, Any]:
        type_ = self._target.comparisons.get(part.column, {}).get(part.comparison.value)
        if type_ is None:
            raise _Unsayable
        bound: Any = True if part.parameter == "" else self._parameters[part.parameter]
        if part.comparison is Comparison.IS_NULL:
            # The position's own parameter stands for "is null" where the position is null.
            return {part.column: {"isNull": True if bound is None else bool(bound)}}
        values = list(bound) if isinstance(bound, list | tuple) else [bound]
        operands = [sent(value, type_) for value in values]
        if type_.kind == "ENUM" or any(each is None for each in operands) or len(operands) > MOST_IN:
            raise _Unsayable
        return {part.column: {part.comparison.value: operands if type_.lists else operands[0]}}


def _by_arguments(target: Target, selection: Selection, parts: Sequence[Predicate], parameters: Parameters) -> Pushed:
    """Equality, and lists of values, by the arguments that the manifest names; each is used once."""
    arguments: dict[str, Any] = {}
    left = 0
    for part in parts:
        made = _argument(target, part, parameters) if isinstance(part, Compare) else None
        if made is None or not put(arguments, *made):
            left += 1
    remote = target.remote
    ordered = not selection.order or [(key.column, key.descending, key.scrambled) for key in selection.order] == [(remote.sorted_by, False, False)]
    return Pushed(arguments, left == 0 and not selection.after, ordered)


def _argument(target: Target, part: Compare, parameters: Parameters) -> tuple[str, Any] | None:
    bound = parameters[part.parameter]
    values = list(bound) if isinstance(bound, list | tuple) else [one(bound)]
    if "" in values:
        # Many services take an empty text for an argument that is not there, and their total would be that of all objects.
        return None
    if part.comparison is Comparison.EQ or (part.comparison is Comparison.IN and len(values) == 1):
        place = target.remote.filters.get(part.column)
        value = None if place is None or target.places[place].kind == "ENUM" else sent(values[0], target.places[place])
        if place is not None and value is not None:
            return place, value
    takes = target.remote.keys.get(part.column)
    if takes is None or part.comparison not in (Comparison.EQ, Comparison.IN) or not 0 < len(values) <= takes.most:
        return None
    operands = [sent(value, target.places[takes.argument]) for value in values]
    return None if None in operands else (takes.argument, operands)


def put(arguments: dict[str, Any], place: str, value: Any) -> bool:
    """Sets an argument, or a field of its input object; false where it is set already."""
    *above, name = place.split(".")
    for each in above:
        inner = arguments.setdefault(each, {})
        if not isinstance(inner, dict):
            return False
        arguments = inner
    if name in arguments:
        return False
    arguments[name] = value
    return True


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both sets of arguments, fields of input objects side by side; what both set is as ``above`` has it."""
    both = dict(below)
    for name, value in above.items():
        inner = both.get(name)
        both[name] = merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return both


def without_order(selection: Selection) -> Selection:
    """The same rows in no order, from the first to the last."""
    return replace(selection, order=(), after=(), limit=None)
