"""Masks that complement one another: two views of one item that together show more of it than either does."""

from __future__ import annotations

from masking.rules import Mask

_NOTHING = ("NULL", "CONSTANT", "PSEUDONYM")
"""Rules that show no part of the value: pseudonyms of two consumers cannot be told to be of one value."""


def together_show_more(one: Mask, other: Mask) -> bool:
    """Whether whoever holds both masked values knows more than whoever holds either.

    Exact for rules that keep ends; two different other rules are taken to add to one another unless one of them shows nothing.
    """
    if one == other or one.algorithm in _NOTHING or other.algorithm in _NOTHING:
        return False
    if one.algorithm == other.algorithm == "KEEP_FIRST_N_LAST_M":
        return not (_contains(one, other) or _contains(other, one))
    return one.algorithm != other.algorithm


def _contains(wide: Mask, narrow: Mask) -> bool:
    return all(int(shown) >= int(less) for shown, less in zip(wide.parameters, narrow.parameters, strict=True))
