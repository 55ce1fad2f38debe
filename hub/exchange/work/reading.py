"""A chunk's rows as a stream: its slice, or what lies behind the chunk before."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from connectors.arrow_types import position
from connectors.errors import SourceRefused
from connectors.paging import stream
from connectors.selection import Column, Compare, Comparison, Every, Order, Selection, Value
from connectors.spi import Parameters, Source
from connectors.streaming import Streamed, Streaming
from connectors.wire import apart
from hub.exchange.work.task import ChunkFault, ChunkTask
from schema.export_spec import ExportSpec

BATCH_ROWS = 16 * 1024
_BATCH_BYTES = 16 * 1024 * 1024
_LIMIT = "limit"


class Rows:
    """The rows of one chunk; ``last`` is told when they have been read."""

    def __init__(self, task: ChunkTask, source: Source) -> None:
        self._task = task
        self._source = source
        self._selection, self._parameters = _asked(task, source)
        self.last: tuple[Value, ...] | None = None
        """Order keys of the last row, where more follow behind it."""

    async def parts(self) -> AsyncGenerator[Streamed, None]:
        """Batches of at most some 16 MiB."""
        read, last, task = 0, None, self._task
        async with aclosing(stream(self._source, self._selection, self._parameters, task.part, BATCH_ROWS)) as parts:
            async for part in parts:
                read += part.batch.num_rows
                if task.most is not None and read >= task.most:
                    last = position(self._source_code, part, self._selection.order, task.spec.places)
                for piece in _pieces(part):
                    yield piece
        if last is not None:
            # First: where all that is left stands at this very place, nothing lies behind it.
            await self._check_alone(last)
            self.last = last if await self._more(last) else None

    async def _check_alone(self, last: tuple[Value, ...]) -> None:
        """Of several rows at the place where a chunk ends, the next chunk would begin behind those that were not read.

        Raises:
            ChunkFault: the stable key stands twice.
        """
        if await self._at_place(last) > 1:
            resource = self._task.spec.root.resource
            zh = f"{resource} 的稳定键有重复，无法逐块导出而不遗漏；请提供部门更正，或去掉 orderBy"
            en = f"the stable key of {resource} is not unique: chunk after chunk, rows would be lost; have it mended, or leave orderBy out"
            raise ChunkFault("SOURCE_VALUE", zh, en, retryable=False)

    async def _at_place(self, last: tuple[Value, ...]) -> int:
        """How many rows stand there: two, where there are more. 0 where the source cannot tell."""
        root, order = self._task.spec.root, self._selection.order
        if not (isinstance(self._source, Streaming) and self._source.streams(self._selection)):
            key = Column(order[-1].column, order[-1].kind)
            asked = replace(root.selection, outputs=tuple(Column(each.column, each.kind) for each in order), order=())
            try:
                found = await self._source.fetch_by_keys(asked, root.parameters, key, [last[-1]])
            except SourceRefused:
                return 0
            return sum(not apart(order, row, last) for rows in found.values() for row in rows)
        selection, parameters = _at(replace(root.selection, order=order), root.parameters, last)
        rows = 0
        async with aclosing(stream(self._source, selection, parameters, None, 2)) as parts:
            async for part in parts:
                rows += part.batch.num_rows
        return rows

    async def _more(self, last: tuple[Value, ...]) -> bool:
        """Whether there is a row behind these keys; it is looked at, and not taken."""
        selection, parameters = _behind(self._selection, self._parameters, last)
        first = selection.order[0]
        probe = replace(selection, outputs=(Column(first.column, first.kind),))
        async with aclosing(stream(self._source, probe, {**parameters, _LIMIT: 1}, None, 1)) as parts:
            async for part in parts:
                if part.batch.num_rows:
                    return True
        return False

    @property
    def _source_code(self) -> str:
        return self._task.spec.root.source


def order_of(spec: ExportSpec) -> tuple[Order, ...]:
    """The order in which the list is read from its beginning to its end."""
    if spec.key is None:
        return spec.root.selection.order
    return (Order(spec.key.name, spec.key.kind, nullable=False),)


def _asked(task: ChunkTask, source: Source) -> tuple[Selection, Parameters]:
    selection: Selection = task.spec.root.selection
    parameters: dict[str, Value | Sequence[Value]] = dict(task.spec.root.parameters)
    whole = task.after is None and task.most is None
    if whole and isinstance(source, Streaming) and source.streams(selection):
        return selection, parameters
    selection = replace(selection, order=order_of(task.spec))
    if task.after is not None:
        selection, parameters = _behind(selection, parameters, task.after)
    if task.most is not None:
        selection = replace(selection, limit=_LIMIT)
        parameters[_LIMIT] = task.most
    return selection, parameters


def _behind(selection: Selection, parameters: Parameters, place: tuple[Value, ...]) -> tuple[Selection, dict[str, Value | Sequence[Value]]]:
    names = tuple(f"after{i}" for i in range(len(place)))
    return replace(selection, after=names), {**parameters, **dict(zip(names, place, strict=True))}


def _at(selection: Selection, parameters: Parameters, place: tuple[Value, ...]) -> tuple[Selection, dict[str, Value | Sequence[Value]]]:
    """The first two rows at a place of the order, one column of each."""
    names = [f"at{i}" for i in range(len(place))]
    same = [
        Compare(each.column, each.kind, Comparison.IS_NULL if value is None else Comparison.EQ, name)
        for each, value, name in zip(selection.order, place, names, strict=True)
    ]
    where = Every((*(() if selection.where is None else (selection.where,)), *same))
    first = selection.order[0]
    asked = replace(selection, outputs=(Column(first.column, first.kind),), where=where, order=(), limit=_LIMIT)
    return asked, {**parameters, **{name: True if value is None else value for name, value in zip(names, place, strict=True)}, _LIMIT: 2}


def _pieces(part: Streamed) -> list[Streamed]:
    """A batch of long texts in several parts; what could not be delivered is counted with the first."""
    batch = part.batch
    rows = max(1, batch.num_rows * _BATCH_BYTES // max(1, batch.nbytes))
    if rows >= batch.num_rows:
        return [part]
    none = (0,) * len(part.undelivered)
    return [Streamed(batch.slice(i, rows), none if i else part.undelivered) for i in range(0, batch.num_rows, rows)]
