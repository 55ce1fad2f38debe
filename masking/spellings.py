"""How a value in canonical form may be written in a source: the values with which the source compares its own.

Each list has the same length for every value of its kind, so that no comparison tells by its work what was asked.
"""

from __future__ import annotations

from itertools import chain, islice

from masking.canonical import MIDDLE_DOT, canonical_name, shortened_resident_id
from masking.han import traditional_forms

MOST = 16
"""Spellings of a name."""
_DOTS_OF_SOURCES = "•・．.‧･∙⋅"
_BRACKETS = str.maketrans("()", "（）")
_WIDE = {point: chr(point + 0xFEE0) for point in range(0x21, 0x7F)} | {0x20: "\u3000"}
_WIDE_MARKS = {point: wide for point, wide in _WIDE.items() if not chr(point).isalnum() and point != 0x20}
_WIDE_WORDS = {point: wide for point, wide in _WIDE.items() if chr(point).isalnum()}


def of_resident_id(number: str) -> tuple[str, ...]:
    """18 digits, with ``x`` in lower case, and 15 digits where the first generation had this number."""
    return number, number.lower(), shortened_resident_id(number) or number


def of_code(code: str) -> tuple[str, ...]:
    """Upper and lower case."""
    return code, code.lower()


def of_mobile(number: str) -> tuple[str, ...]:
    """With the calling code, and in groups of 3, 4 and 4 digits."""
    groups = number[:3], number[3:7], number[7:]
    return number, f"+86{number}", f"86{number}", f"+86 {number}", f"+86-{number}", f"0086{number}", " ".join(groups), "-".join(groups)


def of_text(text: str) -> tuple[str, ...]:
    """Brackets, all marks, letters and digits, or all of them in full width."""
    return text, text.translate(_BRACKETS), text.translate(_WIDE_MARKS), text.translate(_WIDE_WORDS), text.translate(_WIDE)


def of_name(name: str) -> tuple[str, ...]:
    """In simplified and in traditional characters, with each kind of middle dot, padded to the width of three characters, in full width.

    The :data:`MOST` likeliest, where there are more.
    """
    scripts = _scripts(name)
    likely = (name, *_padded(name), *_dotted(name), name.translate(_WIDE), *scripts)
    others = chain.from_iterable((*_padded(each), *_dotted(each)) for each in scripts)
    known = (each for each in dict.fromkeys(chain(likely, others)) if canonical_name(each) == name)
    return _filled(tuple(islice(known, MOST)))


def _filled(spellings: tuple[str, ...]) -> tuple[str, ...]:
    return spellings + spellings[:1] * (MOST - len(spellings))


def _dotted(name: str) -> list[str]:
    return [name.replace(MIDDLE_DOT, dot) for dot in _DOTS_OF_SOURCES] if MIDDLE_DOT in name else []


def _padded(name: str) -> list[str]:
    """Names of two characters stand in columns with a blank between them, so that they are as wide as those of three."""
    return [f"{name[0]}{blank}{name[1]}" for blank in (" ", "\u3000")] if len(name) == 2 and not name.isascii() else []


def _scripts(name: str) -> list[str]:
    """The likeliest spellings with traditional characters: each character's forms in order of likelihood, the least sum of places first."""
    forms, kept = traditional_forms(), [(0, "")]
    for character in name:
        options = tuple(enumerate(forms.get(character, (character,))))
        kept = [(cost + place, start + option) for cost, start in kept for place, option in options]
        if len(options) > 1:
            kept = sorted(kept)[:MOST]
    return [spelling for _, spelling in kept]
