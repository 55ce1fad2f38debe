"""Rows by the values of a key, in as few requests as the service's arguments allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.graphql.pushdown import MOST_IN, merged, put
from connectors.graphql.reading import Reading
from connectors.graphql.target import Single, Target
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
        for added in self._lists:
            async for page in reading.pages(_joined(pushed, added), None):
                rows += page
        return self._grouped(columns, rows)

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


def _lists(target: Target, key: Column, values: Sequence[Value]) -> list[Mapping[str, Any]] | None:
    """Arguments that each ask for a part of the values; ``None`` where the service takes no lists of them."""
    if (takes := target.remote.keys.get(key.name)) is not None:
        operands = [made for value in values if (made := sent(value, target.places[takes.argument])) is not None]
        return [_placed(takes.argument, chunk) for chunk in _chunks(operands, takes.most)]
    type_ = target.comparisons.get(key.name, {}).get("in")
    if type_ is None:
        return None
    operands = [made for value in values if (made := sent(value, type_)) is not None]
    return [{"where": {key.name: {"in": chunk}}} for chunk in _chunks(operands, MOST_IN)]


def _placed(place: str, value: Any) -> Mapping[str, Any]:
    arguments: dict[str, Any] = {}
    put(arguments, place, value)
    return arguments


def _chunks(operands: Sequence[Any], most: int) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    size = 0
    for operand in operands:
        length = len(str(operand).encode()) + 3
        if chunk and (len(chunk) >= most or size + length > _MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(operand)
        size += length
    if chunk:
        yield chunk


def _joined(pushed: Mapping[str, Any], added: Mapping[str, Any]) -> Mapping[str, Any]:
    """Both sets of arguments. What is said by an argument that the keys need is left to the hub."""
    if "where" in pushed and "where" in added:
        return {**pushed, "where": {"and": [pushed["where"], added["where"]]}}
    return merged(pushed, added)
