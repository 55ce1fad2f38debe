"""One look-up of whatever source, with a guard or without."""

from __future__ import annotations

from connectors.coalescing import alone
from connectors.guard import GuardedSource
from connectors.selection import Column, Row, Selection, Value
from connectors.spi import Parameters, Source


async def looked_up(source: Source, selection: Selection, parameters: Parameters, key: Column, values: tuple[Value, ...], group: object) -> Row | None:
    """:meth:`connectors.guard.GuardedSource.look_up`; of a source without a guard, by itself."""
    if isinstance(source, GuardedSource):
        return await source.look_up(selection, parameters, key, values, group)
    asked, bound = alone(selection, parameters, key, values)
    rows = await source.fetch(asked, bound)
    return rows[0] if rows else None
