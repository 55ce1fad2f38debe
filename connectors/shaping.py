"""Rows of raw values become rows of outputs, column by column: one compiled function for each masked column, applied to the whole of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from connectors.calling import CALLING
from connectors.selection import Column, Output, Row, Undeliverable, Value
from masking.columns import compile_column
from masking.generated import compile_mask
from masking.rules import Mask, tells_nothing

Cells = Iterable[Any]
Shaping = Callable[[Sequence[Row]], list[Row]]

ARROW_ROWS = 1000
"""Batches of an exchange with fewer rows are masked by generated Python: each of Arrow's kernels has a price for being called (docs/performance.md)."""
BY_ARROW = frozenset({"DATE_TO_YEAR", "DATE_TO_BAND", "NUMBER_TO_INTERVAL", "NUMBER_ROUND", "PHONE", "KEEP_FROM_X_TO_Y", "MASK_FROM_X_TO_Y"})
"""Rules that Arrow computes faster than generated Python at that size, the way there and back included."""


def shaping(wanted: Sequence[Output], places: dict[str, int], compared: Callable[[Any], Callable[[Row], Any]]) -> Shaping:
    """How rows whose columns lie at ``places`` become rows of outputs. ``compared`` gives a verification's function of a row."""
    makers = [_cells(output, places, compared) for output in wanted]
    if not makers:
        return lambda rows: [()] * len(rows)
    return lambda rows: list(zip(*(make(rows) for make in makers), strict=True))


def _cells(output: Output, places: dict[str, int], compared: Callable[[Any], Callable[[Row], Any]]) -> Callable[[Sequence[Row]], Cells]:
    if not isinstance(output, Column):
        same = compared(output)
        return lambda rows: map(same, rows)
    raw = itemgetter(places[output.name])
    if output.mask is None:
        return lambda rows: map(raw, rows)
    mask = output.mask
    return lambda rows: masked_column(mask, [raw(row) for row in rows])


def masked_column(mask: Mask, values: Sequence[Value]) -> Sequence[Any]:
    """The masked values, in their order. What cannot be delivered stays so: it says nothing of its value but that there is one."""
    if tells_nothing(mask):
        return [None] * len(values)
    types = set(map(type, values))
    if Undeliverable in types:
        each = compile_mask(mask)
        return [value if isinstance(value, Undeliverable) else each(value) for value in values]
    calling = CALLING.get()
    if calling is not None and calling.batch and len(values) >= ARROW_ROWS and types <= _TEXTS and mask.algorithm in BY_ARROW:
        return _by_arrow(mask, values)
    return compile_column(mask)(values)


_TEXTS = frozenset({str, type(None)})


def _by_arrow(mask: Mask, values: Sequence[Value]) -> Sequence[Any]:
    # Arrow holds some 90 MiB: a hub that exchanges nothing of sources that cannot mask does without.
    from masking.arrow import mask_texts

    return mask_texts(mask, values)
