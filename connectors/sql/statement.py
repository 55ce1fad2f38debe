"""One compiled statement: its text, what is bound in its places, and how its rows are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Compiled

from connectors.selection import Row
from connectors.spi import Parameters
from connectors.sql.dialect import Binds, Bound, Decode


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text with positional places, what to bind in each, and the output places whose values must still be decoded."""

    text: str
    places: tuple[Bound | tuple[object], ...]
    decoders: tuple[tuple[int, Decode], ...]

    def arguments(self, parameters: Parameters) -> list[Any]:
        """Driver values, in order of the places."""
        return [_argument(place, parameters) if isinstance(place, Bound) else place[0] for place in self.places]

    def rows(self, fetched: Iterable[Sequence[Any]]) -> list[Row]:
        """Wire rows of the driver's rows."""
        if not self.decoders:
            return [tuple(row) for row in fetched]
        return [self._decoded(row) for row in fetched]

    def _decoded(self, row: Sequence[Any]) -> Row:
        values = list(row)
        for place, decode in self.decoders:
            if values[place] is not None:
                values[place] = decode(values[place])
        return tuple(values)


def _argument(place: Bound, parameters: Parameters) -> Any:
    value = parameters[place.parameter]
    return value if value is None or place.encode is None else place.encode(value)


def placed(binds: Binds, compiled: Compiled) -> tuple[Bound | tuple[object], ...]:
    """What to bind in each of a statement's places."""
    names = getattr(compiled, "positiontup", None) or ()
    return tuple(binds.places.get(name) or (compiled.params[name],) for name in names)
