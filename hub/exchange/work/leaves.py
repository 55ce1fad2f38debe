"""One column as a consumer gets it: masked where that is left to this process, and null where its type in GraphQL cannot hold the value."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pyarrow
import pyarrow.compute

from connectors.arrow_types import arrow_type, masked_kind, output_kind
from connectors.selection import Kind, Output
from hub.exchange.work.texts import wire_text
from masking.arrow import ColumnMask, compile_arrow
from masking.rules import Mask, tells_nothing
from schema.export_spec import Leaf

_pa: Any = pyarrow
_pc: Any = pyarrow.compute
_INT32 = 2**31
_NUMBERS = frozenset({Kind.INTEGER, Kind.BIGINT, Kind.FLOAT})
_RANGED = frozenset({Kind.INTEGER, Kind.FLOAT})


def leaf_kind(leaf: Leaf, outputs: tuple[Output, ...]) -> Kind:
    """As what the leaf's values are written: decided by its rule, wherever it is applied, and never by values."""
    if leaf.place is None:
        return Kind.STRING
    return output_kind(outputs[leaf.place]) if leaf.mask is None else masked_kind(leaf.kind, leaf.mask)


def masked(leaf: Leaf, column: Any) -> tuple[Any, Any]:
    """The values, and which of them do not fit the type in GraphQL (null there), ``None`` where all fit. Masked dates are wire text."""
    if leaf.mask is None:
        return ranged(column, leaf.kind)
    values = _applied(leaf.mask, column, leaf.kind)
    if leaf.kind in _NUMBERS and _pa.types.is_string(values.type) and masked_kind(leaf.kind, leaf.mask) is leaf.kind:
        values = values.cast(arrow_type(leaf.kind))
    return ranged(values, leaf.kind)


def _applied(mask: Mask, column: Any, kind: Kind) -> Any:
    if tells_nothing(mask):
        return _pa.nulls(len(column), arrow_type(kind))
    texts = wire_text(column, kind) if kind in (Kind.DATE, Kind.DATETIME, Kind.BOOLEAN) else column
    return _compiled(mask)(texts)


@lru_cache(maxsize=512)
def _compiled(mask: Mask) -> ColumnMask:
    return compile_arrow(mask)


def ranged(column: Any, kind: Kind) -> tuple[Any, Any]:
    """As :func:`schema.values.fits` has it, of a column of numbers; another stays as it is."""
    if kind not in _RANGED or not len(column):
        return column, None
    if _pa.types.is_integer(column.type):
        least, most = _ends(column)
        if least is None or (least >= -_INT32 and most < _INT32):
            return column, None
        unfit = _pc.or_(_pc.less(column, -_INT32), _pc.greater_equal(column, _INT32))
    elif _pa.types.is_floating(column.type):
        unfit = _pc.invert(_pc.is_finite(column))
        if not _pc.any(unfit).as_py():
            return column, None
    else:
        return column, None
    return _pc.if_else(unfit, None, column), _pc.fill_null(unfit, False)


def _ends(column: Any) -> tuple[int | None, int]:
    ends = _pc.min_max(column).as_py()
    return ends["min"], ends["max"]
