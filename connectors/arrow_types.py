"""Wire values as Arrow columns: the types of kinds and masks, and rows of wire values as batches. Arrow (some 90 MiB) is loaded by the first call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from connectors.errors import SourceRefused
from connectors.selection import UNDELIVERABLE, Kind, Match, Order, Output, Row, Undeliverable, Value
from connectors.streaming import Streamed
from masking.rules import Mask, applies_to

if TYPE_CHECKING:
    import pyarrow

_NONE = type(None)
_INT64 = 2**63


def arrow_type(kind: Kind) -> pyarrow.DataType:
    """The type of a kind's values. A decimal is its exact text; a moment is in UTC, in microseconds."""
    import pyarrow as pa

    match kind:
        case Kind.INTEGER | Kind.BIGINT:
            return pa.int64()
        case Kind.FLOAT:
            return pa.float64()
        case Kind.BOOLEAN:
            return pa.bool_()
        case Kind.DATE:
            return pa.date32()
        case Kind.DATETIME:
            return pa.timestamp("us", "UTC")
    return pa.string()


def masked_kind(kind: Kind, mask: Mask) -> Kind:
    """As what masked values of a kind are written: the kind itself where the rule is one for it (a date stays a date), else text."""
    return kind if applies_to(mask, kind.value) else Kind.STRING


def masked_type(kind: Kind, mask: Mask) -> pyarrow.DataType:
    """The type of a kind's masked values; it depends on the rule alone, so that all chunks of a file agree."""
    return arrow_type(masked_kind(kind, mask))


def output_kind(output: Output) -> Kind:
    """As what an output's values are written."""
    if isinstance(output, Match):
        return Kind.BOOLEAN
    return output.kind if output.mask is None else masked_kind(output.kind, output.mask)


def output_type(output: Output) -> pyarrow.DataType:
    """The type of an output's column."""
    return arrow_type(output_kind(output))


def schema_of(outputs: Sequence[Output]) -> pyarrow.Schema:
    """The columns of a stream's batches, named by their places: outputs may repeat a column."""
    import pyarrow as pa

    return pa.schema([pa.field(f"o{place}", output_type(output)) for place, output in enumerate(outputs)])


def streamed(outputs: Sequence[Output], rows: Sequence[Row]) -> Streamed:
    """Rows of wire values, as a source's ``fetch`` gives them, as a batch."""
    import pyarrow as pa

    columns: Sequence[Sequence[Value]] = list(zip(*rows, strict=True)) if rows else [()] * len(outputs)
    made = [column_of(output_kind(output), values) for output, values in zip(outputs, columns, strict=True)]
    schema = schema_of(outputs)
    if not outputs:
        nothing: Any = pa.array([{}] * len(rows), pa.struct([]))
        batch = pa.RecordBatch.from_struct_array(nothing)
    else:
        batch = pa.RecordBatch.from_arrays([array for array, _, _ in made], schema=schema)
    return Streamed(batch, tuple(wrong for _, wrong, _ in made), frozenset(place for place, each in enumerate(made) if each[2]))


def column_of(kind: Kind, values: Sequence[Value]) -> tuple[Any, int, bool]:
    """The column, how many values cannot be delivered, and whether the last is one of them."""
    import pyarrow as pa

    if _PLAIN[kind].issuperset(map(type, values)):
        try:
            return _at_once(kind, values), 0, False
        except (pa.ArrowException, UnicodeEncodeError, OverflowError):
            pass
    one = _ONE[kind]
    native = [None if value is None else one(value) for value in values]
    lost = [value is UNDELIVERABLE for value in native]
    column = pa.array([None if value is UNDELIVERABLE else value for value in native], arrow_type(kind))
    return column, sum(lost), bool(lost) and lost[-1]


def _at_once(kind: Kind, values: Sequence[Value]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind in (Kind.DATE, Kind.DATETIME):
        return pa.array(values, pa.string()).cast(arrow_type(kind))
    column = pa.array(values, arrow_type(kind))
    if kind is Kind.FLOAT and pc.all(pc.is_finite(column)).as_py() is False:
        raise OverflowError
    return column


def _text(value: Value) -> Any:
    if not isinstance(value, str) or isinstance(value, Undeliverable):
        return UNDELIVERABLE
    try:
        value.encode()
    except UnicodeEncodeError:
        return UNDELIVERABLE
    return value


def _whole(value: Value) -> Any:
    return int(value) if isinstance(value, int) and -_INT64 <= value < _INT64 else UNDELIVERABLE


def _float(value: Value) -> Any:
    try:
        number = float(value) if isinstance(value, int | float) else float("nan")
    except OverflowError:
        return UNDELIVERABLE
    return number if isfinite(number) else UNDELIVERABLE


def _truth(value: Value) -> Any:
    return value if isinstance(value, bool) else UNDELIVERABLE


def _day(value: Value) -> Any:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else UNDELIVERABLE
    except ValueError:
        return UNDELIVERABLE


def _moment(value: Value) -> Any:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None:
            return UNDELIVERABLE
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return UNDELIVERABLE


_ONE: dict[Kind, Callable[[Value], Any]] = {
    Kind.STRING: _text, Kind.DECIMAL: _text, Kind.INTEGER: _whole, Kind.BIGINT: _whole, Kind.FLOAT: _float, Kind.BOOLEAN: _truth,
    Kind.DATE: _day, Kind.DATETIME: _moment,
}  # fmt: skip
_TEXTS: frozenset[object] = frozenset({str, _NONE})
_WHOLES: frozenset[object] = frozenset({int, _NONE})
_PLAIN: dict[Kind, frozenset[object]] = {
    Kind.STRING: _TEXTS, Kind.DECIMAL: _TEXTS, Kind.DATE: _TEXTS, Kind.DATETIME: _TEXTS, Kind.INTEGER: _WHOLES, Kind.BIGINT: _WHOLES,
    Kind.FLOAT: frozenset({float, _NONE}), Kind.BOOLEAN: frozenset({bool, _NONE}),
}  # fmt: skip


def wire_value(value: Any) -> Value:
    """A value of a batch (``as_py``) as the wire value that it was: dates and moments are ISO 8601 text, the rest is itself."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    known: Value = value
    return known


def wire_rows(part: Streamed) -> list[Row]:
    """The rows as ``fetch`` gives them, with null where a value cannot be delivered."""
    columns = [[wire_value(value) for value in column.to_pylist()] for column in part.batch.columns]
    return list(zip(*columns, strict=True)) if columns else [()] * part.batch.num_rows


def position(source: str, part: Streamed, order: Sequence[Order], places: Sequence[int]) -> tuple[Value, ...]:
    """The last row's order keys, which lie at ``places`` among the outputs: what ``Selection.after`` binds, to go on behind that row.

    Raises:
        SourceRefused: one of them cannot be delivered, so that nobody could say what lies behind it.
    """
    last = part.batch.num_rows - 1
    for key, place in zip(order, places, strict=True):
        if place in part.lost:
            raise SourceRefused(source, f"no page begins behind a value of {key.column} that cannot be delivered; mend it in the source")
    return tuple(wire_value(part.batch.column(place)[last].as_py()) for place in places)
