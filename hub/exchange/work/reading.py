"""A chunk's rows as a stream: its slice, or what lies behind the chunk before."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from connectors.arrow_types import position
from connectors.paging import stream
from connectors.selection import Column, Order, Selection, Value
from connectors.spi import Parameters, Source
from connectors.streaming import Streamed, Streaming
from hub.exchange.work.task import ChunkTask
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
        self.last = last if last is not None and await self._more(last) else None

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


def _pieces(part: Streamed) -> list[Streamed]:
    """A batch of long texts in several parts; what could not be delivered is counted with the first."""
    batch = part.batch
    rows = max(1, batch.num_rows * _BATCH_BYTES // max(1, batch.nbytes))
    if rows >= batch.num_rows:
        return [part]
    none = (0,) * len(part.undelivered)
    return [Streamed(batch.slice(i, rows), none if i else part.undelivered) for i in range(0, batch.num_rows, rows)]
