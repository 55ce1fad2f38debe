"""What masking rules there are: their names, as Apache ShardingSphere writes them where it has the rule, and their properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SHARE = 67
"""Percent of a text's characters that a rule shows at most, unless a declaration says less: two thirds, as banks show a third at each end."""

SHARE_OF_PUBLIC_PARTS = 90
"""The same for rules that show what is public besides: a division's name, a mail provider's domain."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an algorithm: a whole number from ``low`` to ``high``, or a text of so many characters."""

    name: str
    low: int
    high: int
    example: int | str
    text: bool = False
    default: int | str | None = None


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An algorithm as catalogs and declarations name it."""

    name: str
    labels: tuple[str, ...]
    """What a catalog may write; ``<…>`` stands for a property, in the properties' order."""
    properties: tuple[Property, ...] = ()
    types: tuple[str, ...] | None = ("string",)
    """Catalog types that it masks and leaves as they are; any where ``None``."""
    fixable: bool = False
    """Whether it has a form of fixed length, ``…_FIXED``."""
    share: int = SHARE
    masks_as: str = ""
    """The algorithm that it is another name of."""


def _number(name: str, example: int, low: int = 0, high: int = 99, default: int | None = None) -> Property:
    return Property(name, low, high, example, default=default)


def _text(name: str, example: str, low: int, high: int, default: str | None = None) -> Property:
    return Property(name, low, high, example, text=True, default=default)


def _ends(first: int | None = None, last: int | None = None) -> tuple[Property, Property]:
    return _number("first_n", 3, default=first), _number("last_m", 4, default=last)


_SPAN = (_number("from_x", 6), _number("to_y", 13))
_CHARS = (_text("special_chars", "@", 1, 16),)
_STEP = (_number("step", 1000, 2, 10**12),)
_DATES = ("date", "datetime")
_NUMBERS = ("integer", "bigint", "float", "decimal")

# fmt: off
ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType({algorithm.name: algorithm for algorithm in (
    Algorithm("KEEP_FIRST_N_LAST_M", ("KEEP_FIRST_<n>_LAST_<m>",), _ends(), fixable=True),
    Algorithm("KEEP_FROM_X_TO_Y", ("KEEP_FROM_<x>_TO_<y>",), _SPAN, fixable=True),
    Algorithm("MASK_FIRST_N_LAST_M", ("MASK_FIRST_<n>_LAST_<m>",), _ends(), fixable=True),
    Algorithm("MASK_FROM_X_TO_Y", ("MASK_FROM_<x>_TO_<y>",), _SPAN, fixable=True),
    Algorithm("MASK_BEFORE_SPECIAL_CHARS", ("MASK_BEFORE_SPECIAL_CHARS(<c>)",), _CHARS, fixable=True),
    Algorithm("MASK_AFTER_SPECIAL_CHARS", ("MASK_AFTER_SPECIAL_CHARS(<c>)",), _CHARS, fixable=True),
    Algorithm("NAME", ("NAME",)),
    Algorithm("ID_NUMBER", ("ID_NUMBER_<n>_<m>", "ID_NUMBER"), _ends(1, 1), fixable=True, masks_as="KEEP_FIRST_N_LAST_M"),
    Algorithm("PHONE", ("PHONE",), fixable=True),
    Algorithm("ADDRESS_TO_DISTRICT", ("ADDRESS_TO_DISTRICT",), share=SHARE_OF_PUBLIC_PARTS),
    Algorithm("BANK_CARD", ("BANK_CARD_<n>_<m>", "BANK_CARD"), _ends(6, 4), fixable=True, masks_as="KEEP_FIRST_N_LAST_M"),
    Algorithm("EMAIL", ("EMAIL",), share=SHARE_OF_PUBLIC_PARTS),
    Algorithm("DATE_TO_YEAR", ("DATE_TO_YEAR",), types=_DATES),
    Algorithm("DATE_TO_BAND", ("DATE_TO_BAND(<years>)",), (_number("years", 10, 1, 100),), _DATES),
    Algorithm("NUMBER_TO_INTERVAL", ("NUMBER_TO_INTERVAL(<step>)",), _STEP, _NUMBERS),
    Algorithm("NUMBER_ROUND", ("NUMBER_ROUND(<step>)",), _STEP, _NUMBERS),
    Algorithm("PSEUDONYM", ("PSEUDONYM(<project>)", "PSEUDONYM"), (_text("project", "housing-2026", 0, 64, default=""),)),
    Algorithm("CONSTANT", ("CONSTANT(<text>)",), (_text("text", "已脱敏", 0, 64),)),
    Algorithm("NULL", ("NULL",), types=None),
)})
# fmt: on
"""By name, in the order in which people are told of them."""
