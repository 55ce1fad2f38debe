"""The masking rules by name: what a catalog may write in ``mask = {share = "...", open = "..."}``.

Names follow Apache ShardingSphere's mask algorithms where it has one. ``DENY`` is no mask: the item is absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DENY = "DENY"
SHARE = 67
"""Percent of a text's characters that a rule shows at most, unless a declaration says less: two thirds, as banks show a third at each end."""


class UnknownMask(ValueError):
    """A label that names no masking rule. ``str()`` names the label and lists what may be written instead."""


@dataclass(frozen=True, slots=True)
class Mask:
    """One masking rule, e.g. ``Mask("KEEP_FIRST_N_LAST_M", (3, 4))``, labelled ``KEEP_FIRST_3_LAST_4``.

    A mask is pure: a value in, the masked value out; on any fault the value is withheld (``None``), never shown raw.
    """

    algorithm: str
    parameters: tuple[int | str, ...] = ()
    version: int = 1
    name: str = ""
    """The code of the department's declaration (``[[masks]]``), if it is declared."""
    share: int = SHARE
    """Percent of a text's characters that may be shown; a text of which more would be shown is stars alone."""
    fixed: bool = False
    """Whether masked texts tell nothing of their length."""

    @property
    def label(self) -> str:
        """The name under which catalogs, ``extensions.masking`` and the ledger speak of the rule."""
        if self.name:
            return self.name
        if self.algorithm == "KEEP_FIRST_N_LAST_M":
            return "KEEP_FIRST_{}_LAST_{}".format(*self.parameters)
        if self.algorithm == "CONSTANT":
            return f"CONSTANT({self.parameters[0]})"
        return self.algorithm


_TYPES = {"DATE_TO_YEAR": ("date",), "NULL": None}
"""Types of items that a rule applies to; text where it is not named, any where it is ``None``."""


def applies_to(mask: Mask, type_: str) -> bool:
    """Whether the rule can mask items of a catalog type (``string``, ``date`` …) and leave the type as it is."""
    types = _TYPES.get(mask.algorithm, ("string",))
    return types is None or type_ in types


_KEEP = re.compile(r"KEEP_FIRST_(\d{1,2})_LAST_(\d{1,2})\Z")
_ID_NUMBER = re.compile(r"ID_NUMBER_(\d{1,2})_(\d{1,2})\Z")
_CONSTANT = re.compile(r"CONSTANT\(([^()]{0,64})\)\Z")
_PLAIN = ("NAME", "ADDRESS_TO_DISTRICT", "DATE_TO_YEAR", "NULL")
NAMES = ("KEEP_FIRST_<n>_LAST_<m>", "ID_NUMBER_<n>_<m>", "NAME", "ADDRESS_TO_DISTRICT", "DATE_TO_YEAR", "CONSTANT(<text>)", "NULL", DENY)


NO_MASKS: Mapping[str, Mask] = MappingProxyType({})


def parse_mask(label: str, declared: Mapping[str, Mask] = NO_MASKS) -> Mask | None:
    """The rule behind a catalog's label, or behind the code of a department's own declaration; ``None`` for ``DENY``.

    Raises:
        UnknownMask: no rule has this label.
    """
    if label == DENY:
        return None
    if label in declared:
        return declared[label]
    if label in _PLAIN:
        return Mask(label)
    if found := _KEEP.match(label) or _ID_NUMBER.match(label):
        return Mask("KEEP_FIRST_N_LAST_M", (int(found[1]), int(found[2])))
    if found := _CONSTANT.match(label):
        return Mask("CONSTANT", (found[1],))
    raise UnknownMask(f"no masking rule {label!r}; known: {', '.join(NAMES)}")
