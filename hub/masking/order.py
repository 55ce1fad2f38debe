"""Which of two masking rules shows more. A partial order: of rules that it does not relate, nobody is told that one is weaker."""

from __future__ import annotations

from enum import Enum

from masking import reference
from masking.rules import Mask

_NOTHING = ("NULL", "CONSTANT")
_POSITIONS = ("KEEP_FIRST_N_LAST_M", "KEEP_FROM_X_TO_Y", "MASK_FIRST_N_LAST_M", "MASK_FROM_X_TO_Y")
_LENGTHS = (11, 15, 16, 17, 18, 19)
"""Characters of mobile numbers, resident ID numbers, credit codes and bank cards."""


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
    if less and _begins_to_show(before, after):
        return Order.UNRELATED
    return Order.STRONGER if less else Order.WEAKER if more else Order.UNRELATED


def _within(narrow: Mask, wide: Mask) -> bool:
    """Whether whoever sees what ``wide`` shows could say what ``narrow`` shows, of every value."""
    if narrow.algorithm in _NOTHING:
        return True
    if narrow.algorithm == "DATE_TO_BAND" and wide.algorithm == "DATE_TO_YEAR":
        return True
    if wide.algorithm in _NOTHING or narrow.algorithm != wide.algorithm:
        return False
    if narrow.share > wide.share or (wide.fixed and not narrow.fixed):
        return False
    if narrow.parameters == wide.parameters:
        return True
    return narrow.share == wide.share and len(narrow.parameters) == len(wide.parameters) and _numbers_within(narrow, wide)


def _begins_to_show(before: Mask, after: Mask) -> bool:
    """Whether ``after`` shows some of texts of which ``before`` shows nothing, because it would show more than its share."""
    return after.algorithm in _POSITIONS and any(_shows(after, length) and not _shows(before, length) for length in _LENGTHS)


def _shows(mask: Mask, length: int) -> bool:
    """Whether the rule shows any character of texts of this length."""
    return bool(str(reference.apply(mask, "字" * length)).strip("*"))


def _numbers_within(narrow: Mask, wide: Mask) -> bool:
    """Of texts that either rule shows anything of; one too short for a rule's share is stars alone."""
    less, more = ([number for number in mask.parameters if isinstance(number, int)] for mask in (narrow, wide))
    match narrow.algorithm, less, more:
        case "KEEP_FIRST_N_LAST_M", [first, last], [first_wide, last_wide]:
            return first <= first_wide and last <= last_wide
        case "MASK_FIRST_N_LAST_M", [first, last], [first_wide, last_wide]:
            return first >= first_wide and last >= last_wide
        case "KEEP_FROM_X_TO_Y", [start, end], [start_wide, end_wide]:
            return start_wide <= start and end <= end_wide
        case "MASK_FROM_X_TO_Y", [start, end], [start_wide, end_wide]:
            return start <= start_wide and end_wide <= end
        case (("DATE_TO_BAND" | "NUMBER_TO_INTERVAL"), [step], [step_wide]):
            return step % step_wide == 0
    return False
