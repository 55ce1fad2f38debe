"""What an address may show, by Arrow's kernels: the word lists of :mod:`masking.words` as RE2's expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow.compute

from masking import words

_pc: Any = pyarrow.compute

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


_BEGINNINGS = (10, 15)
"""Characters by which addresses are told apart first: most have their district there, and many have the same."""


def masked_addresses(addresses: Any, beginnings: Sequence[int] = _BEGINNINGS) -> Any:
    """Addresses up to the county-level division, else up to the city, else nothing of them, and their end.

    Each different beginning is looked at once. It decides where it holds the end of a division, or a word with which the division part is over.
    """
    coded = _pc.utf8_slice_codeunits(addresses, 0, beginnings[0] if beginnings else words.ADDRESS_HEAD).dictionary_encode()
    kept, settled = _kept(coded.dictionary)
    masked = _joined(kept, words.ADDRESS_END).take(coded.indices)
    if not beginnings:
        return masked
    open_ = _pc.invert(_pc.fill_null(settled.take(coded.indices), True))
    if not _pc.any(open_).as_py():
        return masked
    return _pc.replace_with_mask(masked, open_, masked_addresses(addresses.filter(open_), beginnings[1:]))


def _kept(heads: Any) -> tuple[Any, Any]:
    """What is kept, and whether it stays so whatever characters may follow."""
    before_stop = _without(heads, _FROM_STOP)
    cut = _pc.replace_substring_regex(before_stop, _FROM_ROAD, r"\1")
    parts = _pc.extract_regex(cut, _DIVISION)
    before, end = _pc.struct_field(parts, "before"), _pc.struct_field(parts, "end")
    ended = _pc.not_equal(end, "")
    named = _pc.and_not(_pc.and_(ended, _has(before, _NAMES_DIVISION)), _has(before, _NAMES_NONE))
    city = _without(before, _FROM_CITY)
    in_city = _pc.and_not(_pc.not_equal(city, before), _has(city, _NO_CITY))
    kept = _pc.if_else(named, _joined(before, end), _pc.if_else(in_city, _joined(city, words.CITY), ""))
    return kept, _pc.or_(ended, _pc.not_equal(before_stop, heads))


def _joined(*parts: Any) -> Any:
    return _pc.binary_join_element_wise(*parts, "")


def _without(texts: Any, pattern: str) -> Any:
    return _pc.replace_substring_regex(texts, pattern, "")


def _has(texts: Any, pattern: str) -> Any:
    return _pc.match_substring_regex(texts, pattern)
