"""Rows as streams of Arrow record batches, whole or slice by slice: what batch exchange asks of a source. Importing this module does not load Arrow.

Whoever reads calls :func:`connectors.paging.stream` and :func:`connectors.paging.cuts`, which take any source.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from connectors.selection import Column, Selection, Value
from connectors.spi import Parameters

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows whose key is greater than ``above`` and not greater than ``upto``, in the source's own order of that column.

    ``None`` leaves an end open; rows without a key belong to the slice that has no ``above``. Slices made of the ends that :meth:`Streaming.cuts`
    gave, one behind the other, hold every row exactly once, whatever the source's collation is.
    """

    key: Column
    above: Value = None
    upto: Value = None


@dataclass(frozen=True, slots=True)
class Streamed:
    """Some rows of a stream: a column for each output, in their order.

    A value that the source holds and cannot deliver (``UNDELIVERABLE`` among the rows of :meth:`connectors.spi.Source.fetch`) is null here.
    """

    batch: pyarrow.RecordBatch
    undelivered: tuple[int, ...]
    """Of each column: how many of its nulls stand for values that cannot be delivered."""
    lost: frozenset[int] = frozenset()
    """Columns whose value in the last row is such a null: no page begins behind it. See :func:`connectors.arrow_types.position`."""


@runtime_checkable
class Streaming(Protocol):
    """A source that streams by itself and can be cut into slices. For another the hub reads page after page (:mod:`connectors.paging`)."""

    def streams(self, selection: Selection) -> bool:
        """Whether it does so for the selection: all of it is the source's own work."""
        ...

    def stream(self, selection: Selection, parameters: Parameters, part: Slice | None, rows: int) -> AsyncGenerator[Streamed, None]:
        """Batches of about ``rows`` rows, a column for each output in their order, of the types of :func:`connectors.arrow_types.output_type`.

        In ``selection.order``, behind ``after`` and within ``limit``; with ``part``, its rows in no particular order. One batch is in hand and at
        most one on its way. Closing the generator (``aclose``, :func:`contextlib.aclosing`) stops the work in the source.
        Raises :class:`connectors.errors.SourceFault` and nothing else that a driver defines.
        """
        ...

    async def cuts(self, selection: Selection, parameters: Parameters, key: Column, rows: int) -> Sequence[Value]:
        """The upper ends of all slices but the last, so that each holds about ``rows`` rows of the selection; none where it has no more than that,
        or where the source's order of the key is not sure to be that of its comparisons."""
        ...
