"""Masks that complement one another: two views of one item that together show more of it than either does."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from masking import reference
from masking.rules import Mask

_NOTHING = ("NULL", "CONSTANT", "PSEUDONYM")
"""Rules that show no part of the value: pseudonyms of two consumers cannot be told to be of one value."""
_POSITIONS = ("KEEP_FIRST_N_LAST_M", "KEEP_FROM_X_TO_Y", "MASK_FIRST_N_LAST_M", "MASK_FROM_X_TO_Y", "PHONE")
_DATES = ("DATE_TO_YEAR", "DATE_TO_BAND")
_LENGTHS = (*range(1, 121), 150, 200, 300, 400, 2000)
_HEADS = ("1", "01", "08")
"""Beginnings by which a rule for telephone numbers tells mobiles and landlines apart."""
_FIRST = 0x4E00


def together_show_more(one: Mask, other: Mask) -> bool:
    """Whether whoever holds both masked values knows more than whoever holds either.

    Exact for rules by position and telephone numbers (texts of up to 120 characters), for dates, and for two rules for numbers of one kind. Two other
    rules that differ in more than their share are taken to add to one another, unless one of them shows nothing.
    """
    one, other = (replace(mask, name="", version=1) for mask in (one, other))
    if one == other or one.algorithm in _NOTHING or other.algorithm in _NOTHING:
        return False
    if one.algorithm in _POSITIONS and other.algorithm in _POSITIONS:
        return any(not (first <= second or second <= first) for first, second in zip(_known(one), _known(other), strict=True))
    if one.algorithm in _DATES and other.algorithm in _DATES:
        return not _nested(_size(one), _size(other))
    if one.algorithm == other.algorithm == "NUMBER_TO_INTERVAL":
        return not _nested(_size(one), _size(other))
    if one.algorithm == other.algorithm == "NUMBER_ROUND":
        return not _nested(_size(one), _size(other), odd=True)
    return replace(one, share=other.share) != other


@cache
def _known(mask: Mask) -> tuple[frozenset[int], ...]:
    """Of texts of each length and beginning: the positions that are shown, and 0 where the length is."""
    return tuple(_shown(mask, head, length) for head in _HEADS for length in _LENGTHS)


def _shown(mask: Mask, head: str, length: int) -> frozenset[int]:
    # Every character is another one, so that what is shown tells where it comes from.
    text = (head + "".join(map(chr, range(_FIRST, _FIRST + length))))[:length]
    places = {character: place for place, character in enumerate(text, 1)}
    shown = frozenset(places[character] for character in str(reference.apply(mask, text)) if character != "*")
    return shown if mask.fixed else shown | {0}


def _size(mask: Mask) -> int:
    return int(mask.parameters[0]) if mask.parameters else 1


def _nested(one: int, other: int, *, odd: bool = False) -> bool:
    """Whether each interval of one size lies within one of the other; round numbers' lie around their multiples, and do so where the ratio is odd."""
    low, high = sorted((one, other))
    return high % low == 0 and not (odd and high // low % 2 == 0)
