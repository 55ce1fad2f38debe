"""Answers → rows. An error of one value costs that value; the others arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import SourceRefused
from connectors.graphql.faults import Error, fault_of
from connectors.graphql.values import received
from connectors.selection import UNDELIVERABLE, Column, Row, Value

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered: data, and errors that left the data partial."""

    data: Any
    errors: Sequence[Error]


def at(value: Any, path: Sequence[str | int]) -> Any:
    """What lies at a path; null where there is nothing."""
    for name in path:
        if isinstance(value, Mapping):
            value = value.get(name)
        else:
            return None
    return value


def places(source: str, answer: Answer, allowed: Place, depth: int) -> dict[str | int, list[Place]]:
    """The errors below ``allowed``, by element: what comes after the element, place by place.

    ``depth`` names lie between an element and its object.

    Raises:
        SourceFault: an error is none of an element's.
    """
    found: dict[str | int, list[Place]] = {}
    for error in answer.errors:
        path = error.get("path")
        if not isinstance(path, list) or tuple(path[: len(allowed)]) != allowed or len(path) <= len(allowed):
            raise fault_of(source, answer.errors)
        found.setdefault(path[len(allowed)], []).append(tuple(path[len(allowed) + 1 + depth :]))
    return found


def items(source: str, answer: Answer, path: Sequence[str], before: Sequence[str], behind: Sequence[str], columns: Sequence[Column]) -> list[Row]:
    """The rows of a list's page.

    Raises:
        SourceFault: the list itself failed, or is no list.
    """
    elements = at(answer.data, [*path, *before])
    if elements is None and answer.errors:
        raise fault_of(source, answer.errors)
    if not isinstance(elements, list):
        raise SourceRefused(source, "the service answers null in place of the list")
    wrong = places(source, answer, (*path, *before), len(behind)) if answer.errors else {}
    rows = []
    for index, element in enumerate(elements):
        item = at(element, behind)
        if isinstance(item, Mapping):
            rows.append(row(item, columns, wrong.get(index, ())))
        elif index in wrong:
            rows.append((UNDELIVERABLE,) * len(columns))
        elif item is not None:
            raise SourceRefused(source, "the service's list holds what is no object")
    return rows


def row(item: Mapping[str, Any], columns: Sequence[Column], wrong: Sequence[Place]) -> Row:
    """One object's values; undeliverable where an error lies at or below the value, or above it inside the object."""
    return tuple(_value(item, column, wrong) for column in columns)


def _value(item: Mapping[str, Any], column: Column, wrong: Sequence[Place]) -> Value:
    path = tuple(column.name.split("."))
    value = at(item, path)
    if value is None and any(place[: len(path)] == path[: len(place)] for place in wrong):
        return UNDELIVERABLE
    return received(value, column.kind)
