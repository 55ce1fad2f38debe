"""One compiled statement: its text, what is bound in its places, and how its rows are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Compiled

from connectors.selection import Row
from connectors.spi import Parameters
from connectors.sql.dialect import Binds, Bound, Decode
from connectors.sql.plain import PLAIN

_MANY = 8
"""Rows from which on columns are looked at as a whole."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text with positional places, what to bind in each, and the output places whose values must still be decoded."""

    text: str
    places: tuple[Bound | tuple[object], ...]
    decoders: tuple[tuple[int, Decode], ...]

    def arguments(self, parameters: Parameters) -> list[Any]:
        """Driver values, in order of the places."""
        return [place[0] if isinstance(place, tuple) else _argument(place, parameters) for place in self.places]

    def rows(self, fetched: Iterable[Sequence[Any]]) -> list[Row]:
        """Wire rows of the driver's rows: those themselves where nothing in them has to be changed, as is usual."""
        rows: list[Any] = fetched if isinstance(fetched, list) else list(fetched)
        wrong = [(place, decode) for place, decode in self.decoders if not _plain(rows, place, decode)]
        return _decoded(rows, wrong) if wrong else rows


def _plain(rows: Sequence[Sequence[Any]], place: int, decode: Decode) -> bool:
    """Whether all values of a column are wire values already."""
    if len(rows) < _MANY:
        return all(row[place] is None or decode(row[place]) is row[place] for row in rows)
    plain = PLAIN.get(decode)
    return plain is not None and plain([row[place] for row in rows])


def _decoded(rows: Iterable[Sequence[Any]], decoders: Iterable[tuple[int, Decode]]) -> list[Row]:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, decode in decoders:
        columns[place] = [None if value is None else decode(value) for value in columns[place]]
    return list(zip(*columns, strict=True))


def _argument(place: Bound, parameters: Parameters) -> Any:
    value = parameters[place.parameter]
    return value if value is None or place.encode is None else place.encode(value)


def placed(binds: Binds, compiled: Compiled) -> tuple[Bound | tuple[object], ...]:
    """What to bind in each of a statement's places."""
    names = getattr(compiled, "positiontup", None) or ()
    return tuple(binds.places.get(name) or (compiled.params[name],) for name in names)
