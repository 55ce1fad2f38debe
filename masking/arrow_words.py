"""What an address may show, by Arrow's kernels: the word lists of :mod:`masking.words` as RE2's expressions."""

from __future__ import annotations

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


def kept_of_addresses(heads: Any) -> Any:
    """Of the first characters of addresses: up to the county-level division, else up to the city, else nothing."""
    heads = _pc.replace_substring_regex(_without(heads, _FROM_STOP), _FROM_ROAD, r"\1")
    parts = _pc.extract_regex(heads, _DIVISION)
    before, end = _pc.struct_field(parts, "before"), _pc.struct_field(parts, "end")
    named = _pc.and_not(_pc.and_(_pc.not_equal(end, ""), _has(before, _NAMES_DIVISION)), _has(before, _NAMES_NONE))
    city = _without(before, _FROM_CITY)
    in_city = _pc.and_not(_pc.not_equal(city, before), _has(city, _NO_CITY))
    return _pc.if_else(named, _joined(before, end), _pc.if_else(in_city, _joined(city, words.CITY), ""))


def _joined(*parts: Any) -> Any:
    return _pc.binary_join_element_wise(*parts, "")


def _without(texts: Any, pattern: str) -> Any:
    return _pc.replace_substring_regex(texts, pattern, "")


def _has(texts: Any, pattern: str) -> Any:
    return _pc.match_substring_regex(texts, pattern)
