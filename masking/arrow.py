"""The masking rules over whole columns by Arrow's own kernels, for batches. Importing this module loads Arrow, some 90 MiB.

Arrow's ``utf8`` kernels count code points, as Python does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow
import pyarrow.compute

from masking.arrow_numbers import compile_number
from masking.arrow_texts import Expression, compile_text, content
from masking.generated import compile_mask
from masking.rules import Mask

ColumnMask = Callable[["pyarrow.Array[Any]"], "pyarrow.Array[Any]"]

_pa: Any = pyarrow
_pc: Any = pyarrow.compute
"""The kernels are annotated for some of the arguments that they take."""


def compile_arrow(mask: Mask) -> ColumnMask:
    """A function of a column that equals :func:`masking.reference.apply` for each of its values; of as many values.

    Masked text is of type string, a masked number an int64 or a float64. A column of a type that the rule cannot mask has all its values
    withheld, and so has one that Arrow itself cannot read, as text that is not UTF-8. Pseudonyms, for which Arrow has no kernels, are computed
    once for each different value by :func:`masking.generated.compile_mask`.
    """
    match mask.algorithm, mask.parameters:
        case "CONSTANT", (constant,):
            return _constant(str(constant))
        case ("NUMBER_TO_INTERVAL" | "NUMBER_ROUND") as rule, (int(step),) if step > 0:
            return _or_nothing(compile_number(rule, step))
        case "PSEUDONYM", _:
            return _or_nothing(_each_different(compile_mask(mask)))
    expression = compile_text(mask)
    return _nothing if expression is None else _or_nothing(_of_texts(expression))


def mask_texts(mask: Mask, values: Sequence[Any]) -> list[Any]:
    """The masked values of a column of texts and nulls, by :func:`compile_arrow` where Arrow can hold them: a lone surrogate it cannot."""
    try:
        column = _pa.array(values, _pa.string())
    except UnicodeEncodeError:
        return list(map(compile_mask(mask), values))
    return list(compile_arrow(mask)(column).to_pylist())


def _nothing(column: Any) -> Any:
    return _pa.nulls(len(column), _pa.string())


def _constant(text: str) -> ColumnMask:
    return lambda column: _pc.if_else(_pc.is_valid(column), _pa.scalar(text), _nothing(column))


def _or_nothing(mask: Expression) -> ColumnMask:
    def masked(column: Any) -> Any:
        try:
            found = mask(column)
        except (_pa.ArrowException, UnicodeDecodeError):
            return _nothing(column)
        return _nothing(column) if found is None else found

    return masked


def _is_text(column: Any) -> bool:
    return bool(_pa.types.is_string(column.type) or _pa.types.is_large_string(column.type))


def _of_texts(expression: Expression) -> Expression:
    def masked(column: Any) -> Any:
        if not _is_text(column):
            return None
        texts = column.cast(_pa.string())
        if b"\0" not in content(texts):
            return expression(texts)
        return _pc.if_else(_pc.match_substring(texts, "\0"), None, expression(texts))

    return masked


def _each_different(mask: Callable[[object], object]) -> Expression:
    def masked(column: Any) -> Any:
        if not _is_text(column):
            return None
        different = column.dictionary_encode()
        return _pa.array([mask(value) for value in different.dictionary.to_pylist()], _pa.string()).take(different.indices)

    return masked
