"""Links of a batch: its distinct keys are looked up, level by level, and those of late batches are remembered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow
import pyarrow.compute

from connectors.arrow_types import streamed, wire_value
from connectors.selection import Output, Row, Value
from connectors.spi import Source
from connectors.streaming import Streamed
from hub.exchange.work.leaves import ranged
from schema.export_spec import Branch, Leaf, Reading

_pa: Any = pyarrow
_pc: Any = pyarrow.compute
_KEPT = 20_000
"""Keys that are remembered, of each link's target."""
_CALL = 1000
"""Keys in one call where the source sets no bound of its own."""
Opening = Callable[[str], Awaitable[Source]]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one reading. ``lost`` tells which values could not be delivered; of a list's own rows only ``counts``, how many, are known."""

    outputs: tuple[Output, ...]
    columns: Sequence[Any]
    rows: int
    counts: Sequence[int]
    lost: Mapping[int, Any] = field(default_factory=dict)
    links: Mapping[str, Linked] = field(default_factory=dict)
    """By response key."""


@dataclass(frozen=True, eq=False)
class Linked:
    """A link of a table's rows: ``places`` gives each row's place in the target's table, null where there is none."""

    target: Table
    places: Any
    lost: int | Any
    """Keys that lead nowhere because they cannot be delivered: how many, or which."""


@dataclass(frozen=True, eq=False)
class Found:
    """Rows that were looked up anew, and the keys that led to them."""

    branch: Branch
    table: Table
    keys: Any


def table_of(outputs: tuple[Output, ...], part: Streamed) -> Table:
    """A list's own rows."""
    return Table(outputs, part.batch.columns, part.batch.num_rows, part.undelivered)


class Joining:
    """The links of one chunk. ``take`` is told of rows that are read for the first time, or once more after they were forgotten."""

    def __init__(self, opening: Opening, take: Callable[[Found], None]) -> None:
        self._opening = opening
        self._take = take
        self._known: list[tuple[Reading, Output, dict[Value, Row | None]]] = []

    async def joined(self, table: Table, fields: Sequence[Leaf | Branch]) -> Table:
        """The table with its links, and theirs."""
        branches = [each for each in fields if isinstance(each, Branch)]
        if not branches:
            return table
        links = {branch.key: await self._linked(table, branch, fields) for branch in branches}
        return Table(table.outputs, table.columns, table.rows, table.counts, table.lost, links)

    async def _linked(self, table: Table, branch: Branch, fields: Sequence[Leaf | Branch]) -> Linked:
        keys, lost = _keys(table, branch, fields)
        coded = keys.dictionary_encode()
        wanted = [wire_value(value) for value in coded.dictionary.to_pylist()]
        known = await self._rows(branch, wanted)
        found = [known.get(key) for key in wanted]
        rows = [row for row in found if row is not None]
        numbers = iter(range(len(rows)))
        places = _pa.array([None if row is None else next(numbers) for row in found], _pa.int32()).take(coded.indices)
        target = await self.joined(_table(branch.target, rows), branch.fields)
        return Linked(target, places, lost)

    async def _rows(self, branch: Branch, wanted: Sequence[Value]) -> Mapping[Value, Row | None]:
        known = self._kept(branch)
        new = [key for key in wanted if key not in known]
        if not new:
            return known
        if len(known) + len(new) > _KEPT:
            held = {key: known[key] for key in wanted if key in known}
            known.clear()
            known.update(held)
        source = await self._opening(branch.target.source)
        selection, parameters = branch.target.selection, branch.target.parameters
        most = source.capabilities.keys_per_call or len(new) or _CALL
        for i in range(0, len(new), most):
            part = new[i : i + most]
            found = await source.fetch_by_keys(selection, parameters, branch.by, part)
            rows = {key: found[key][0] if found.get(key) else None for key in part}
            known |= rows
            self._told(branch, {key: row for key, row in rows.items() if row is not None})
        return known

    def _kept(self, branch: Branch) -> dict[Value, Row | None]:
        for target, by, held in self._known:
            if by == branch.by and (target is branch.target or target == branch.target):
                return held
        known: dict[Value, Row | None] = {}
        self._known.append((branch.target, branch.by, known))
        return known

    def _told(self, branch: Branch, rows: Mapping[Value, Row]) -> None:
        if rows:
            keys = streamed((branch.by,), [(key,) for key in rows]).batch.column(0)
            self._take(Found(branch, _table(branch.target, list(rows.values())), keys))


def _keys(table: Table, branch: Branch, fields: Sequence[Leaf | Branch]) -> tuple[Any, int | Any]:
    """The rows' keys, and what became of those that cannot be delivered. A number that a scalar beside it cannot show leads nowhere either."""
    column, lost = table.columns[branch.place], table.lost.get(branch.place, table.counts[branch.place])
    kinds = {each.kind for each in fields if isinstance(each, Leaf) and each.place == branch.place and each.mask is None}
    for kind in kinds:
        column, unfit = ranged(column, kind)
        lost = both(lost, unfit)
    return column, lost


def both(lost: int | Any, unfit: Any) -> int | Any:
    """What could not be delivered for either reason: a number, or which, where that is known."""
    if unfit is None:
        return lost
    if isinstance(lost, int):
        return lost + (_pc.sum(unfit).as_py() or 0)
    return _pc.or_(lost, unfit)


def _table(reading: Reading, rows: Sequence[Row]) -> Table:
    outputs = reading.selection.outputs
    part = streamed(outputs, rows)
    lost = {}
    for place in range(len(outputs)):
        column = part.batch.column(place)
        if part.undelivered[place]:
            stored = _pa.array([row[place] is not None for row in rows], _pa.bool_())
            lost[place] = _pc.and_(stored, _pc.is_null(column))
        else:
            lost[place] = _pa.array([False] * len(rows), _pa.bool_())
    return Table(outputs, part.batch.columns, len(rows), part.undelivered, lost)
