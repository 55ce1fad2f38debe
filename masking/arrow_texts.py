"""The masking rules for texts and dates as expressions of Arrow's kernels over a column.

Arrow's regular expressions are RE2's, without looking back or ahead, so that what a rule looks for is written as what comes before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow
import pyarrow.compute

from masking import words
from masking.arrow_words import masked_addresses
from masking.generated import shortest
from masking.rules import Mask

Expression = Callable[[Any], Any]
"""A column in, a column of as many values out."""

_pa: Any = pyarrow
_pc: Any = pyarrow.compute


def compile_text(mask: Mask) -> Expression | None:
    """The expression of a rule over a string column without NUL; ``None`` where the rule is unknown or its parameters are wrong."""
    match mask.algorithm, mask.parameters:
        case "NAME", ():
            return lambda texts: _name(texts, mask.share)
        case "EMAIL", ():
            return lambda texts: _email(texts, mask.share)
        case "ADDRESS_TO_DISTRICT", ():
            return lambda texts: _address(texts, mask.share)
        case "DATE_TO_YEAR", ():
            return lambda texts: _band(texts, 1)
        case "DATE_TO_BAND", (int(years),) if years > 0:
            return lambda texts: _band(texts, years)
    return _positions(mask)


def _positions(mask: Mask) -> Expression | None:
    match mask.algorithm, mask.parameters:
        case "KEEP_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return lambda texts: _keep(mask, texts, first, last)
        case "PHONE", ():
            return lambda texts: _phone(mask, texts)
        case "MASK_FROM_X_TO_Y", (int(start), int(end)) if 0 <= start <= end:
            return lambda texts: _mask_span(mask, texts, start, end + 1)
        case "MASK_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return lambda texts: _mask_ends(mask, texts, first, last)
        case "KEEP_FROM_X_TO_Y", (int(start), int(end)) if 0 <= start <= end:
            return lambda texts: _keep_span(mask, texts, start, end + 1)
        case "MASK_BEFORE_SPECIAL_CHARS", (str(chars),) if chars:
            return lambda texts: _before(mask, texts, chars)
        case "MASK_AFTER_SPECIAL_CHARS", (str(chars),) if chars:
            return lambda texts: _after(mask, texts, chars)
    return None


def content(texts: Any) -> bytes:
    """The bytes of a string column's texts, one behind the other."""
    data = _data(texts)
    return b"" if data is None else bytes(data.to_pybytes())


def _data(texts: Any) -> Any:
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return None
    ends = memoryview(offsets).cast("i")
    return data[ends[texts.offset] : ends[texts.offset + len(texts)]]


def _one_length(texts: Any) -> int | None:
    """The length that all texts have, numbers and codes of one kind; ``None`` where there are several, or characters that need a closer look."""
    ends = _pc.min_max(_pc.binary_length(texts)).as_py()
    data = _data(texts)
    if not data or ends["min"] != ends["max"]:
        return None
    held = _pc.min_max(_pa.Array.from_buffers(_pa.uint8(), data.size, [None, data])).as_py()
    return int(ends["min"]) if ord(words.BLANK) < held["min"] and held["max"] < _BEHIND_ASCII else None


_BEHIND_ASCII = 128


def _joined(*parts: Any) -> Any:
    return _pc.binary_join_element_wise(*parts, "")


def _part(texts: Any, start: int, stop: int | None = None) -> Any:
    return _pc.utf8_slice_codeunits(texts, start, stop)


def _stars(mask: Mask, hidden: Any) -> Any:
    if mask.fixed:
        return _pa.scalar("*" * words.FIXED_STARS)
    if isinstance(hidden, int):
        return _pa.scalar("*" * min(hidden, words.STAR_LIMIT))
    return _pc.binary_repeat(_pa.scalar("*"), _pc.max_element_wise(_pc.min_element_wise(hidden, words.STAR_LIMIT), 0))


def _measured(texts: Any) -> Any:
    """The length that a share is of: without blanks at the ends."""
    padded = _pc.or_(_pc.starts_with(texts, words.BLANK), _pc.ends_with(texts, words.BLANK))
    return _pc.utf8_length(_pc.utf8_trim(texts, words.BLANK) if _pc.any(padded).as_py() else texts)


def _too_much(share: int, shown: Any, texts: Any) -> Any:
    length = _measured(texts)
    return _pc.or_(_pc.greater_equal(shown, length), _pc.greater(_pc.multiply(shown, 100), _pc.multiply(length, share)))


def _or_stars(mask: Mask, hides: Any, length: Any, masked: Any) -> Any:
    """Stars alone where ``hides``; nulls stay nulls."""
    return _pc.if_else(hides, _stars(mask, length), masked)


def _keep(mask: Mask, texts: Any, first: int, last: int) -> Any:
    one = _one_length(texts)
    if one is not None and one >= shortest(first + last, mask.share):
        return _pc.binary_replace_slice(texts, first, one - last, _stars(mask, one - first - last).as_py())
    length = _pc.utf8_length(texts)
    end = _part(texts, -last) if last else ""
    masked = _joined(_part(texts, 0, first), _stars(mask, _pc.subtract(length, first + last)), end)
    return _or_stars(mask, _pc.less(_measured(texts), min(shortest(first + last, mask.share), _MOST)), length, masked)


def _phone(mask: Mask, texts: Any) -> Any:
    mobile = _keep(mask, texts, words.MOBILE_HEAD, words.PHONE_TAIL)
    landline = _pc.starts_with(texts, "0")
    if not _pc.any(landline).as_py():
        return mobile
    short = _pc.is_in(_part(texts, 1, 2), value_set=_pa.array(words.SHORT_AREA_SECOND))
    heads = (words.SHORT_AREA_CODE, words.AREA_CODE)
    in_short, in_long = (_keep(mask, texts, head, words.PHONE_TAIL) for head in heads)
    return _pc.if_else(landline, _pc.if_else(short, in_short, in_long), mobile)


def _mask_span(mask: Mask, texts: Any, start: int, behind: int) -> Any:
    length = _pc.utf8_length(texts)
    shown = _pc.add(_pc.max_element_wise(_pc.subtract(length, behind), 0, skip_nulls=False), start)
    masked = _joined(_part(texts, 0, start), _stars(mask, _pc.subtract(length, shown)), _part(texts, behind))
    return _or_stars(mask, _too_much(mask.share, shown, texts), length, masked)


def _mask_ends(mask: Mask, texts: Any, first: int, last: int) -> Any:
    length = _pc.utf8_length(texts)
    middle = _part(texts, first, -last if last else None)
    around = [_stars(mask, count) if count else "" for count in (first, last)]
    return _middle(mask, texts, _pc.subtract(length, first + last), _joined(around[0], middle, around[1]))


def _keep_span(mask: Mask, texts: Any, start: int, behind: int) -> Any:
    length = _pc.utf8_length(texts)
    after = _pc.max_element_wise(_pc.subtract(length, behind), 0, skip_nulls=False)
    masked = _joined(_stars(mask, start) if start else "", _part(texts, start, behind), _stars(mask, after))
    return _middle(mask, texts, _pc.subtract(_pc.subtract(length, after), start), masked)


def _middle(mask: Mask, texts: Any, shown: Any, masked: Any) -> Any:
    hides = _pc.or_(_pc.less_equal(shown, 0), _too_much(mask.share, shown, texts))
    return _or_stars(mask, hides, _pc.utf8_length(texts), masked)


def _literally(chars: str) -> str:
    return "".join(f"\\x{{{ord(each):x}}}" for each in chars)


def _before(mask: Mask, texts: Any, chars: str) -> Any:
    length = _pc.utf8_length(texts)
    parts = _pc.extract_regex(texts, f"(?s)^(?P<hidden>.*?)(?P<shown>{_literally(chars)}.*)$")
    hidden, shown = (_pc.struct_field(parts, name) for name in ("hidden", "shown"))
    counts = [_pc.fill_null(_pc.utf8_length(each), 0) for each in (hidden, shown)]
    hides = _pc.or_(_pc.equal(counts[0], 0), _too_much(mask.share, counts[1], texts))
    return _or_stars(mask, hides, length, _joined(_stars(mask, counts[0]), shown))


def _after(mask: Mask, texts: Any, chars: str) -> Any:
    length = _pc.utf8_length(texts)
    parts = _pc.extract_regex(texts, f"(?s)^(?P<shown>.*?{_literally(chars)})")
    shown = _pc.struct_field(parts, "shown")
    count = _pc.fill_null(_pc.utf8_length(shown), 0)
    hides = _pc.or_(_pc.equal(count, 0), _too_much(mask.share, count, texts))
    return _or_stars(mask, hides, length, _joined(shown, _stars(mask, _pc.subtract(length, count))))


_SURNAMES = _pa.array(words.COMPOUND_SURNAMES)


def _name(texts: Any, share: int) -> Any:
    measured, masked = _measured(texts), _pc.utf8_replace_slice(texts, 1, _NAME_STOP, words.NAME_END)
    least = _pc.min(measured).as_py()
    if least is None or least < max(1, shortest(1, share)):
        hidden = _pc.if_else(_pc.equal(_pc.binary_length(texts), 0), "", words.NAME_END)
        masked = _pc.if_else(_pc.less(measured, min(shortest(1, share), _MOST)), hidden, masked)
    compound = _pc.is_in(_part(texts, 0, 2), value_set=_SURNAMES)
    if not _pc.any(compound).as_py():
        return masked
    compound = _pc.and_(compound, _pc.greater(_pc.utf8_length(texts), 2))
    shown = _pc.utf8_replace_slice(texts, 2, _NAME_STOP, words.NAME_END)
    hides = _pc.less(measured, min(shortest(2, share), _MOST))
    return _pc.if_else(compound, _pc.if_else(hides, words.NAME_END, shown), masked)


_MOST = 2**31 - 1
_NAME_STOP = _MOST


_EMAIL = "^(?P<local>[^@]+)(?P<domain>@[^@]*)$"


def _email(texts: Any, share: int) -> Any:
    parts = _pc.extract_regex(texts, _EMAIL)
    local, domain = (_pc.struct_field(parts, name) for name in ("local", "domain"))
    first = _pc.if_else(_pc.greater(_pc.utf8_length(local), 1), _part(local, 0, 1), "")
    shown = _pc.add(_pc.utf8_length(first), _pc.utf8_length(domain))
    hides = _pc.fill_null(_too_much(share, shown, texts), fill_value=True)
    masked = _pc.if_else(hides, words.EMAIL_STARS, _joined(first, words.EMAIL_STARS, domain))
    return _pc.if_else(_pc.is_valid(texts), masked, None)


def _address(texts: Any, share: int) -> Any:
    masked = masked_addresses(texts)
    shown = _pc.subtract(_pc.utf8_length(masked), len(words.ADDRESS_END))
    return _pc.if_else(_too_much(share, shown, texts), words.ADDRESS_END, masked)


_DAYS = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
_FOURTH = "0[48]|[2468][048]|[13579][26]"
_DATE = f"(?:[0-9]{{4}}-{_DAYS}|(?:[0-9]{{2}}(?:{_FOURTH})|(?:{_FOURTH})00)-02-29)"
_TAIL = tuple(length - len("2026-11-22T+00:00") for length in words.MOMENT_LENGTHS)
_MOMENT = rf"(?s)^{_DATE}(?:T.{{{_TAIL[0]},{_TAIL[1]}}}\+00:00)?$"


def _band(texts: Any, years: int) -> Any:
    exists = _pc.and_not(_pc.match_substring_regex(texts, _MOMENT), _pc.starts_with(texts, "0000"))
    year = _pc.if_else(exists, _part(texts, 0, 4), None)
    if years > 1:
        lower = _pc.multiply(_pc.divide(year.cast(_pa.int32()), years), years)
        year = _pc.utf8_zero_fill(_pc.max_element_wise(lower, 1, skip_nulls=False).cast(_pa.string()), 4)
    rest = _pc.if_else(_pc.greater(_pc.utf8_length(texts), len("2026-11-22")), words.MOMENT_START, "")
    return _joined(year, words.YEAR_START, rest)
