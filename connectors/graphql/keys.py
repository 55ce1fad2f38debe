"""Rows by the values of a key, in as few requests as the service's arguments allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.graphql.pushdown import MOST_IN, merged, put
from connectors.graphql.reading import Reading
from connectors.graphql.target import Single, Target
from connectors.graphql.types import TypeRef
from connectors.graphql.values import sent
from connectors.selection import Column, Row, Value
from connectors.wire import comparable

_MOST_BYTES = 40_000
"""Of key values in one request; another hub takes requests of 64 KiB."""


class Keys:
    """Values of one key, and how the list's service finds rows by them: by lists, else one by one, else not at all."""

    def __init__(self, target: Target, key: Column, values: Sequence[Value]) -> None:
        self._key = key
        self._values = values
        self._huitong = target.remote.huitong
        self._lists = _lists(target, key, values) if key.name.partition(".")[0] in target.node.fields else None
        self.single: Single | None = target.singles.get(key.name) if self._lists is None else None
        """How single objects are looked up, where the service takes no lists of the key."""

    async def looked_up(self, reading: Reading, single: Single) -> Mapping[Value, Sequence[Row]]:
        """The row of each value that has one; it needs not hold the key."""
        return {value: [row] for value, row in (await reading.look_up(single, self._values)).items()}

    async def listed(self, reading: Reading, columns: Sequence[Column], pushed: Mapping[str, Any]) -> Mapping[Value, Sequence[Row]]:
        """Rows by value; the key is one of the ``columns``. ``pushed`` are the arguments for the rest of the predicate."""
        if self._lists is None:
            return self._grouped(columns, await reading.everything(pushed))
        rows: list[Row] = []
        place = [column.name for column in columns].index(self._key.name)
        for added, values in self._lists:
            # A service that ignores the argument would send the rows of all other lists with each of them.
            own = {comparable(value, self._key.kind) for value in values}
            async for page in reading.pages(self._joined(pushed, added), None):
                rows += [row for row in page if comparable(row[place], self._key.kind) in own]
        return self._grouped(columns, rows)

    def _joined(self, pushed: Mapping[str, Any], added: Mapping[str, Any]) -> Mapping[str, Any]:
        """Both sets of arguments. What is said by an argument that the keys need is left to the hub."""
        if self._huitong and "where" in pushed:
            return {**pushed, "where": {"and": [pushed["where"], added["where"]]}}
        return merged(pushed, added)

    def _grouped(self, columns: Sequence[Column], rows: Sequence[Row]) -> dict[Value, list[Row]]:
        kind = self._key.kind
        place = [column.name for column in columns].index(self._key.name)
        asked = {comparable(value, kind): value for value in self._values}
        groups: dict[Value, list[Row]] = {}
        for row in rows:
            value = asked.get(comparable(row[place], kind))
            if value is not None:
                groups.setdefault(value, []).append(row)
        return groups


def _lists(target: Target, key: Column, values: Sequence[Value]) -> list[tuple[Mapping[str, Any], list[Value]]] | None:
    """Arguments that each ask for a part of the values, which stands beside them; ``None`` where the service takes no lists of them."""
    if (takes := target.remote.keys.get(key.name)) is not None:
        return [(_placed(takes.argument, operands), own) for operands, own in _chunks(values, target.places[takes.argument], takes.most)]
    type_ = target.comparisons.get(key.name, {}).get("in")
    if type_ is None:
        return None
    return [({"where": {key.name: {"in": operands}}}, own) for operands, own in _chunks(values, type_, MOST_IN)]


def _placed(place: str, value: Any) -> Mapping[str, Any]:
    arguments: dict[str, Any] = {}
    put(arguments, place, value)
    return arguments


def _chunks(values: Sequence[Value], type_: TypeRef, most: int) -> Iterator[tuple[list[Any], list[Value]]]:
    """Values as arguments of the type, and as they were; those that the type cannot hold are left out."""
    operands: list[Any] = []
    own: list[Value] = []
    size = 0
    for value in values:
        operand = sent(value, type_)
        if operand is None:
            continue
        length = len(str(operand).encode()) + 3
        if operands and (len(operands) >= most or size + length > _MOST_BYTES):
            yield operands, own
            operands, own, size = [], [], 0
        operands.append(operand)
        own.append(value)
        size += length
    if operands:
        yield operands, own
