"""The masking rules over whole columns by Arrow's own kernels, for batches. Importing this module loads Arrow, some 90 MiB.

Arrow's ``utf8`` kernels count code points, as Python does. Its regular expressions are RE2's, without looking back or ahead, so that what a rule
looks for is written as what comes before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow
import pyarrow.compute

from masking import words
from masking.generated import compile_mask
from masking.rules import Mask

ColumnMask = Callable[["pyarrow.Array[Any]"], "pyarrow.Array[Any]"]
Expression = Callable[[Any], Any]

_pa: Any = pyarrow
_pc: Any = pyarrow.compute
"""The kernels are annotated for some of the arguments that they take."""


def compile_arrow(mask: Mask) -> ColumnMask:
    """A function of a column that equals :func:`masking.reference.apply` for each of its values; of as many values, of type string.

    A column that is not of text has all its values withheld, except by rules that need nothing of the value. What Arrow cannot do with a column
    (text that is not UTF-8) withholds the column. A rule that Arrow has no kernels for masks each different value once, by
    :func:`masking.generated.compile_mask`.
    """
    if mask.algorithm == "CONSTANT" and len(mask.parameters) == 1:
        text = _pa.scalar(str(mask.parameters[0]))
        return lambda column: _pc.if_else(_pc.is_valid(column), text, _nothing(column))
    expression = _expression(mask)
    return _each_different(compile_mask(mask)) if expression is None else _of_texts(expression)


def mask_texts(mask: Mask, values: Sequence[Any]) -> list[Any]:
    """The masked values of a column of texts and nulls, by :func:`compile_arrow` where Arrow can hold them: a lone surrogate it cannot."""
    try:
        column = _pa.array(values, _pa.string())
    except UnicodeEncodeError:
        return list(map(compile_mask(mask), values))
    return list(compile_arrow(mask)(column).to_pylist())


def _expression(mask: Mask) -> Expression | None:
    match mask.algorithm, mask.parameters:
        case "KEEP_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return lambda texts: _keep(texts, first, last)
        case "NAME", ():
            return _name
        case "ADDRESS_TO_DISTRICT", ():
            return _address
        case "DATE_TO_YEAR", ():
            return _year
    return None


def _nothing(column: Any) -> Any:
    return _pa.nulls(len(column), _pa.string())


def _of_texts(expression: Expression) -> ColumnMask:
    def masked(column: Any) -> Any:
        if not (_pa.types.is_string(column.type) or _pa.types.is_large_string(column.type)):
            return _nothing(column)
        try:
            texts = column.cast(_pa.string())
            return _pc.if_else(_pc.match_substring(texts, "\0"), None, expression(texts))
        except _pa.ArrowException:
            return _nothing(column)

    return masked


def _each_different(mask: Callable[[object], object]) -> ColumnMask:
    def masked(column: Any) -> Any:
        different = column.dictionary_encode()
        kept = column.type if _pa.types.is_integer(column.type) or _pa.types.is_floating(column.type) else _pa.string()
        return _pa.array([mask(value) for value in different.dictionary.to_pylist()], kept).take(different.indices)

    return masked


def _stars(counts: Any) -> Any:
    return _pc.binary_repeat(_pa.scalar("*"), _pc.min_element_wise(counts, words.STAR_LIMIT))


def _joined(*parts: Any) -> Any:
    return _pc.binary_join_element_wise(*parts, "")


def _keep(texts: Any, first: int, last: int) -> Any:
    length = _pc.utf8_length(texts)
    hidden = _pc.subtract(length, first + last)
    ends = _pc.utf8_slice_codeunits(texts, 0, first), _pc.utf8_slice_codeunits(texts, -last, None) if last else ""
    between = _joined(ends[0], _stars(_pc.max_element_wise(hidden, 0)), ends[1])
    return _pc.if_else(_pc.greater(hidden, 0), between, _stars(length))


_SURNAMES = _pa.array(words.COMPOUND_SURNAMES)


def _name(texts: Any) -> Any:
    length, two = _pc.utf8_length(texts), _pc.utf8_slice_codeunits(texts, 0, 2)
    compound = _pc.and_(_pc.greater(length, 2), _pc.is_in(two, value_set=_SURNAMES))
    surname = _pc.if_else(compound, two, _pc.if_else(_pc.greater(length, 1), _pc.utf8_slice_codeunits(texts, 0, 1), ""))
    return _pc.if_else(_pc.equal(length, 0), texts, _joined(surname, words.NAME_END))


_NAMED_AFTER_ROADS = "|".join(word for word, _ in words.ROAD_REWRITES)
_NO_DIVISIONS = "|".join(word for word, instead in words.DIVISION_REWRITES if instead != words.DIVISION)
_ENDS = words.DIVISION + "".join(word for word, instead in words.DIVISION_REWRITES if instead == words.DIVISION)
_FROM_STOP = f"(?s)(?:{'|'.join(words.STOPS)}).*"
_FROM_ROAD = f"(?s)^((?:{_NAMED_AFTER_ROADS}|[^{words.ROAD}])*).*$"
_DIVISION = f"^(?P<before>(?:{_NO_DIVISIONS}|[^{_ENDS}])*)(?P<end>[{_ENDS}]?)"
_NAMES_DIVISION = f"[{'-'.join(words.IDEOGRAPHS)}]$"
_NAMES_NONE = f"[{words.NO_DIVISION_AFTER}]$"
_FROM_CITY = f"(?s){words.CITY}.*"
_NO_CITY = f"[{words.NO_CITY_AFTER}]$"


def _address(texts: Any) -> Any:
    head = _without(_pc.utf8_slice_codeunits(texts, 0, words.ADDRESS_HEAD), _FROM_STOP)
    parts = _pc.extract_regex(_pc.replace_substring_regex(head, _FROM_ROAD, r"\1"), _DIVISION)
    before, end = _pc.struct_field(parts, "before"), _pc.struct_field(parts, "end")
    named = _pc.and_not(_pc.and_(_pc.not_equal(end, ""), _has(before, _NAMES_DIVISION)), _has(before, _NAMES_NONE))
    city = _without(before, _FROM_CITY)
    in_city = _pc.and_not(_pc.not_equal(city, before), _has(city, _NO_CITY))
    return _joined(_pc.if_else(named, _joined(before, end), _pc.if_else(in_city, _joined(city, words.CITY), "")), words.ADDRESS_END)


def _without(texts: Any, pattern: str) -> Any:
    return _pc.replace_substring_regex(texts, pattern, "")


def _has(texts: Any, pattern: str) -> Any:
    return _pc.match_substring_regex(texts, pattern)


_LONG, _SHORT = "0[13578]|1[02]", "0[469]|11"
_DAYS = f"(?:(?:{_LONG})-(?:0[1-9]|[12][0-9]|3[01])|(?:{_SHORT})-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
_FOURTH = "0[48]|[2468][048]|[13579][26]"
_DATE = f"^(?:[0-9]{{4}}-{_DAYS}|(?:[0-9]{{2}}(?:{_FOURTH})|(?:{_FOURTH})00)-02-29)$"


def _year(texts: Any) -> Any:
    exists = _pc.and_not(_has(texts, _DATE), _pc.starts_with(texts, "0000"))
    return _pc.if_else(exists, _joined(_pc.utf8_slice_codeunits(texts, 0, 4), "-01-01"), None)
