"""Masks over columns of Python values: what can be decided of the column is decided once, so that little is left to do for each value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from masking import words
from masking.generated import compile_mask, shortest
from masking.rules import Mask

ColumnMask = Callable[[Sequence[Any]], list[Any]]

_LIMIT = words.STAR_LIMIT
_SURNAMES = frozenset(words.COMPOUND_SURNAMES)


def compile_column(mask: Mask) -> ColumnMask:
    """A function of a column that equals :func:`masking.reference.apply` for each of its values.

    Rules for names, addresses and ends, which most lists have, are written out for columns of sound text; others, and other columns, go value by value
    through :func:`masking.generated.compile_mask`.
    """
    each, written = compile_mask(mask), _written(mask)

    def masked(values: Sequence[Any]) -> list[Any]:
        return list(map(each, values)) if written is None or not _is_sound(values) else written(values)

    return masked


def _is_sound(values: Sequence[Any]) -> bool:
    """Whether all are nulls or texts without NUL and lone surrogates."""
    if not set(map(type, values)) <= {str, type(None)}:
        return False
    whole = "".join(filter(None, values))
    try:
        whole.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in whole


def _written(mask: Mask) -> ColumnMask | None:
    match mask.algorithm, mask.parameters:
        case "KEEP_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return _keep(mask, first, last)
        case "NAME", ():
            return _name(mask.share)
        case "ADDRESS_TO_DISTRICT", ():
            return _address(mask.share)
    return None


def _keep(mask: Mask, first: int, last: int) -> ColumnMask:
    shown, least, limit = first + last, shortest(first + last, mask.share), _LIMIT
    stars = ["*" * (words.FIXED_STARS if mask.fixed else count) for count in range(limit + 1)]
    longest, most = shown + limit, stars[limit]

    def masked(values: Sequence[Any]) -> list[Any]:
        return [
            None
            if value is None
            else f"{value[:first]}{stars[length - shown] if length < longest else most}{value[length - last :]}"
            if (length := len(value)) >= least and len(value.strip(" ")) >= least
            else stars[length]
            if length < limit
            else most
            for value in values
        ]

    return masked


def _name(share: int) -> ColumnMask:
    end, single, compound = words.NAME_END, shortest(1, share), shortest(2, share)

    def masked(values: Sequence[Any]) -> list[Any]:
        return [
            value
            if not value
            else (value[:2] + end if len(value.strip(" ")) >= compound else end)
            if len(value) > 2 and value[:2] in _SURNAMES
            else value[0] + end
            if len(value) >= single and len(value.strip(" ")) >= single
            else end
            for value in values
        ]

    return masked


_ENDS = words.DIVISION + "".join(word for word, instead in words.DIVISION_REWRITES if instead == words.DIVISION)
_NOT_BEHIND = "".join(f"(?<!{word})" for word, instead in words.DIVISION_REWRITES if instead != words.DIVISION)
_NOT_ROADS = "|".join(word.removeprefix(words.ROAD) for word, _ in words.ROAD_REWRITES)
_REST = "|".join(f"(?<={word[0]}){word[1:]}" for word in words.STOPS)
_FIRSTS = "".join(dict.fromkeys(_ENDS + words.ROAD + "".join(word[0] for word in words.STOPS)))
_NAMED = f"(?:(?<=[{'-'.join(words.IDEOGRAPHS)}].)(?<![{words.NO_DIVISION_AFTER}].)()|)"
_NEXT = re.compile(f"[{_FIRSTS}](?:(?<=[{_ENDS}]){_NOT_BEHIND}{_NAMED}|(?<={words.ROAD})(?!{_NOT_ROADS})|{_REST})").search
"""What comes first: the end of a division, with a group where the division is a county-level one, or the word of a street or an estate.

It begins with a set, which is looked for fast.
"""


def _address(share: int) -> ColumnMask:
    after, head, following = words.ADDRESS_END, words.ADDRESS_HEAD, _NEXT

    def masked(value: Any) -> str | None:
        if value is None:
            return None
        found = following(value, 0, head)
        shown = found.end() if found and found.lastindex else _city_end(value, found.start() if found else head)
        return value[:shown] + after if shown < (length := len(value.strip(" "))) and shown * 100 <= length * share else after

    return lambda values: list(map(masked, values))


def _city_end(value: str, behind: int) -> int:
    place = value.find(words.CITY, 0, behind)
    return 0 if place > 0 and value[place - 1] in words.NO_CITY_AFTER else place + 1
