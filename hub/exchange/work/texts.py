"""Arrow columns as the texts of their wire values, see :mod:`connectors.selection`."""

from __future__ import annotations

from typing import Any

import pyarrow
import pyarrow.compute

from connectors.selection import Kind

_pa: Any = pyarrow
_pc: Any = pyarrow.compute
"""The kernels are annotated for some of the arguments that they take."""
_SECONDS = len("08:00:00")


def wire_text(column: Any, kind: Kind) -> Any:
    """The texts; nulls stay nulls. A column that is text already stays what it is."""
    if _pa.types.is_string(column.type):
        return column
    if kind is Kind.DATETIME and _pa.types.is_timestamp(column.type):
        return _moments(column)
    if _pa.types.is_floating(column.type):
        return _pa.array([None if value is None else repr(value) for value in column.to_pylist()], _pa.string())
    return column.cast(_pa.string())


def _moments(column: Any) -> Any:
    """As ``datetime.isoformat`` writes them: microseconds only where there are some."""
    days = column.cast(_pa.date32(), safe=False).cast(_pa.string())
    try:
        return _joined(days, "T", column.cast(_pa.time32("s")).cast(_pa.string()), "+00:00")
    except _pa.ArrowInvalid:
        times = column.cast(_pa.time64("us")).cast(_pa.string())
    seconds, parts = _pc.utf8_slice_codeunits(times, 0, _SECONDS), _pc.utf8_slice_codeunits(times, _SECONDS)
    return _joined(days, "T", seconds, _pc.if_else(_pc.equal(parts, ".000000"), "", parts), "+00:00")


def _joined(*parts: Any) -> Any:
    return _pc.binary_join_element_wise(*parts, "")


def of_lines(texts: Any) -> memoryview:
    """The bytes of a column that a kernel has made: all of it, without nulls."""
    if not len(texts):
        return memoryview(b"")
    offsets, data = texts.buffers()[1:3]
    end = int.from_bytes(memoryview(offsets)[4 * len(texts) : 4 * len(texts) + 4], "little")
    return memoryview(data)[:end] if data is not None else memoryview(b"")
