"""Reads the first rows of an object through the connector, as every caller of the hub would."""

from __future__ import annotations

from connectors.errors import SourceFault, SourceRefused, SourceUnavailable
from connectors.selection import Column, Kind, Order, Row, Selection, Undeliverable, Value
from connectors.spi import ObjectDescription, Source
from hub.catalog.draft.parts import Sample

ROWS = 200
"""The most rows of one object that are looked at."""
_LIMIT = "rows"


class CannotRead(Exception):
    """The object is there and cannot be read. ``str()`` says why."""


async def sample(source: Source, described: ObjectDescription) -> Sample:
    """The first rows, in the order of an integer primary key where there is one.

    Raises:
        CannotRead: the source refuses to read the object at all.
    """
    columns = tuple(Column(column.name, column.kind) for column in described.columns if column.kind is not None)
    try:
        rows = await source.fetch(Selection(described.binding, columns, order=_order(described), limit=_LIMIT), {_LIMIT: ROWS})
    except SourceRefused:
        # One value that cannot be read must not cost the table: what is refused without any column is refused for good.
        return await _without_values(source, described)
    except SourceUnavailable as fault:
        return Sample(fault=f"未能抽样 not sampled: {fault}")
    return Sample.of([column.name for column in columns], [_delivered(row) for row in rows])


async def _without_values(source: Source, described: ObjectDescription) -> Sample:
    try:
        await source.fetch(Selection(described.binding, (), limit=_LIMIT), {_LIMIT: 1})
    except SourceFault as fault:
        raise CannotRead(str(fault)) from fault
    return Sample(fault="有无法读取的值，未抽样 not sampled: it holds a value that cannot be read")


def _order(described: ObjectDescription) -> tuple[Order, ...]:
    kinds = {column.name: column.kind for column in described.columns}
    key = described.primary_key
    kind = kinds.get(key[0]) if len(key) == 1 else None
    return (Order(key[0], kind, nullable=False),) if kind in (Kind.INTEGER, Kind.BIGINT) else ()


def _delivered(row: Row) -> tuple[Value, ...]:
    return tuple(None if isinstance(value, Undeliverable) else value for value in row)
