"""The masking rules by name: what a catalog may write in ``mask = {share = "...", open = "..."}``, and what a department may declare.

``DENY`` is no mask: the item is absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from masking.vocabulary import ALGORITHMS, SHARE, Algorithm, Property

DENY = "DENY"


class UnknownMask(ValueError):
    """A label or a declaration that makes no masking rule. ``str()`` names what is wrong and says what may be written instead."""


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
    """Whether every run of stars is of one length, whatever it hides."""

    @property
    def label(self) -> str:
        """The name under which catalogs, ``extensions.masking`` and the ledger speak of the rule."""
        if self.name:
            return self.name
        algorithm = ALGORITHMS.get(self.algorithm)
        # A pseudonym's rule that is bound to a consumer has more parameters than its label.
        if algorithm is None or len(self.parameters) < len(algorithm.properties) or (self.parameters[:1] == ("",) and len(algorithm.labels) > 1):
            return self.algorithm
        label = _fixed(algorithm.labels[0]) if self.fixed else algorithm.labels[0]
        for place, parameter in zip(_PLACE.findall(label), self.parameters, strict=False):
            label = label.replace(place, str(parameter))
        return label


_PLACE = re.compile(r"<\w+>")


def _fixed(label: str) -> str:
    """``PHONE`` → ``PHONE_FIXED``, ``MASK_AFTER_SPECIAL_CHARS(@)`` → ``MASK_AFTER_SPECIAL_CHARS_FIXED(@)``."""
    name, bracket, rest = label.partition("(")
    return f"{name}_FIXED{bracket}{rest}"


def applies_to(mask: Mask, type_: str) -> bool:
    """Whether the rule can mask items of a catalog type (``string``, ``date`` …) and leave the type as it is."""
    algorithm = ALGORITHMS.get(mask.algorithm)
    return algorithm is not None and (algorithm.types is None or type_ in algorithm.types)


def tells_nothing(mask: Mask) -> bool:
    """Whether the rule does not even tell if there is a value: one that cannot be delivered shows as none, too."""
    return mask.algorithm == "NULL"


NAMES = (*(label for algorithm in ALGORITHMS.values() for label in algorithm.labels), DENY)
"""Every form of label; those that replace by position, ``PHONE``, ``ID_NUMBER`` and ``BANK_CARD`` have a form ``…_FIXED`` besides."""

NO_MASKS: Mapping[str, Mask] = MappingProxyType({})


def _pattern(algorithm: Algorithm, label: str) -> re.Pattern[str]:
    """What labels of this form look like: a group ``fixed``, and one for each property."""
    written = re.escape(_fixed(label)).replace("_FIXED", "(?P<fixed>_FIXED)?" if algorithm.fixable else "(?P<fixed>)")
    for place, property_ in zip(_PLACE.findall(label), algorithm.properties, strict=False):
        value = r"[^()\0]*" if property_.text else "[0-9]{1,13}"
        written = written.replace(place, f"(?P<{property_.name}>{value})")
    return re.compile(written + r"\Z")


_LABELS = tuple((_pattern(algorithm, label), algorithm) for algorithm in ALGORITHMS.values() for label in algorithm.labels)


def parse_mask(label: str, declared: Mapping[str, Mask] = NO_MASKS) -> Mask | None:
    """The rule behind a catalog's label, or behind the code of a department's own declaration; ``None`` for ``DENY``.

    Raises:
        UnknownMask: no rule has this label, or its numbers are out of bounds.
    """
    if label == DENY:
        return None
    if label in declared:
        return declared[label]
    for pattern, algorithm in _LABELS:
        if found := pattern.match(label):
            given = found.groupdict()
            return _made(f"脱敏规则 mask {label!r}", algorithm, given, fixed=bool(given.pop("fixed")))
    raise UnknownMask(f"没有脱敏规则 no masking rule {label!r}; 可用 known: {', '.join(NAMES)}")


def declare(code: str, algorithm: str, props: Mapping[str, int | str], version: int = 1, fixed: bool = False, share: int | None = None) -> Mask:
    """The rule that a department declares under a code of its own.

    ``algorithm`` is a key of :data:`masking.vocabulary.ALGORITHMS`; ``props`` are its properties, ``first-n`` or ``first_n`` alike.
    ``share`` is in percent, 1 to 100; the algorithm's own where it is ``None``.

    Raises:
        UnknownMask: the algorithm is unknown, or a property is unknown, missing or out of bounds.
    """
    what = f"脱敏规则 mask {code!r}"
    known = ALGORITHMS.get(algorithm)
    if not code or known is None:
        raise UnknownMask(f"{what}: 没有算法 no algorithm {algorithm!r}; 可用 known: {', '.join(ALGORITHMS)}")
    if fixed and not known.fixable:
        fixable = ", ".join(name for name, each in ALGORITHMS.items() if each.fixable)
        raise UnknownMask(f"{what}: {algorithm} 无定长形式 has no form of fixed length; 请去掉 fixed leave it out, 或用 or use {fixable}")
    if share is not None and not _whole(share, 1, 100):
        raise UnknownMask(f"{what}: share 应为 1 至 100 的整数 must be a whole number from 1 to 100; 例 e.g. share = {known.share}")
    if not _whole(version, 1, 10**6):
        raise UnknownMask(f"{what}: version 应为正整数 must be a whole number from 1; 例 e.g. version = 1")
    given = {name.replace("-", "_"): value for name, value in props.items()}
    if given.pop("replace_char", "*") != "*":
        raise UnknownMask(f"{what}: replace_char 只能是 * can only be *; 请去掉 leave it out")
    return _made(what, known, given, version=version, name=code, fixed=fixed, share=share)


def _made(
    what: str, algorithm: Algorithm, given: Mapping[str, int | str], version: int = 1, name: str = "", fixed: bool = False, share: int | None = None
) -> Mask:
    known = [each.name for each in algorithm.properties]
    for unknown in sorted(set(given) - set(known)):
        raise UnknownMask(f"{what}: {algorithm.name} 没有属性 has no property {unknown!r}; 属性 properties: {', '.join(known) or '无 none'}")
    values = tuple(_value(what, algorithm, each, given.get(each.name)) for each in algorithm.properties)
    masks_as = algorithm.masks_as or algorithm.name
    if masks_as.endswith("_X_TO_Y") and int(values[0]) > int(values[1]):
        raise UnknownMask(f"{what}: from_x 不得大于 to_y from_x must not be greater than to_y; 例 e.g. from_x = 6, to_y = 13")
    if masks_as == "MASK_FIRST_N_LAST_M" and values == (0, 0):
        raise UnknownMask(f"{what}: 未遮盖任何字符 hides nothing; 请增大 first_n 或 last_m make one of them greater")
    return Mask(masks_as, values, version, name, algorithm.share if share is None else share, fixed)


def _value(what: str, algorithm: Algorithm, property_: Property, given: int | str | None) -> int | str:
    if given is None:
        given = property_.default
    if property_.text:
        if isinstance(given, str) and property_.low <= len(given) <= property_.high and not re.search("[\0\ud800-\udfff]", given):
            return given
        bounds = f"{property_.low} 至 {property_.high} 个字符的文本 must be a text of {property_.low} to {property_.high} characters"
    else:
        number = int(given) if isinstance(given, str) and re.fullmatch("[0-9]{1,13}", given) else given
        if isinstance(number, int) and _whole(number, property_.low, property_.high):
            return number
        bounds = f"{property_.low} 至 {property_.high} 的整数 must be a whole number from {property_.low} to {property_.high}"
    example = f'"{property_.example}"' if property_.text else property_.example
    raise UnknownMask(f"{what}: {algorithm.name} 的属性 property {property_.name!r} 应为 {bounds}; 例 e.g. {property_.name} = {example}")


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
