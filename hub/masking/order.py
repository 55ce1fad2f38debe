"""Which of two masking rules shows more. A partial order: of rules that it does not relate, nobody is told that one is weaker."""

from __future__ import annotations

from enum import Enum

from masking.rules import Mask

_NOTHING = ("NULL", "CONSTANT")


class Order(Enum):
    """How the second of two rules relates to the first."""

    EQUAL = "EQUAL"
    WEAKER = "WEAKER"
    """It shows more."""
    STRONGER = "STRONGER"
    """It shows less."""
    UNRELATED = "UNRELATED"
    """Each may show what the other hides: compare them by their previews."""


def order(before: Mask, after: Mask) -> Order:
    """How ``after`` relates to ``before``; name and version of a declaration change nothing that is shown."""
    less, more = _within(after, before), _within(before, after)
    if less and more:
        return Order.EQUAL
    return Order.STRONGER if less else Order.WEAKER if more else Order.UNRELATED


def _within(narrow: Mask, wide: Mask) -> bool:
    """Whether whoever sees what ``wide`` shows could say what ``narrow`` shows, of every value."""
    if narrow.algorithm in _NOTHING:
        return True
    if wide.algorithm in _NOTHING or narrow.algorithm != wide.algorithm:
        return False
    if narrow.share > wide.share or (wide.fixed and not narrow.fixed):
        return False
    if narrow.algorithm == "KEEP_FIRST_N_LAST_M" and len(narrow.parameters) == len(wide.parameters) == 2:
        return narrow.share == wide.share and all(int(less) <= int(more) for less, more in zip(narrow.parameters, wide.parameters, strict=True))
    return narrow.parameters == wide.parameters
