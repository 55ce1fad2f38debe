"""Han characters one by one: which simplified character each stands for, by OpenCC's dictionary, and which write a simplified one.

Characters and not words are converted, because a name is no text: no phrase says which of several characters is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

FIRST, LAST = 0x3400, 0x9FFF
"""Unified ideographs of the Basic Multilingual Plane; those beyond it are in no pair of which both are in use."""
OF_NAMES = frozenset("昇陞氾祕谿")
"""Characters that the Table of General Standard Chinese Characters (State Council, 2013) restored for names: 昇 and 升 are two people."""


@cache
def simplifications() -> Mapping[int, str]:
    """Code point → simplified character, for :meth:`str.translate`; made once per process, in about 50 ms.

    A character of GB 2312 stands in simplified text in its own right (乾 in 乾坤, 於 as a surname) and is kept.
    """
    characters = [chr(point) for point in range(FIRST, LAST + 1)]
    found = dict(zip(characters, _converted("t2s", characters), strict=True))
    changed = {each: plain for each, plain in found.items() if each != plain and each not in OF_NAMES and not _in(each, "gb2312")}
    return {ord(each): changed.get(plain, plain) for each, plain in changed.items()}


@cache
def traditional_forms() -> Mapping[str, tuple[str, ...]]:
    """Simplified character → how texts in traditional characters may have it, the likeliest first; itself too (台, 余, 范)."""
    forms: dict[str, list[str]] = {}
    for point, plain in simplifications().items():
        forms.setdefault(plain, [plain]).append(chr(point))
    return {plain: tuple(sorted(each, key=_likeliest(plain, first))) for (plain, each), first in zip(forms.items(), _converted("s2t", forms), strict=True)}


def _likeliest(plain: str, first: str) -> Callable[[str], tuple[bool, ...]]:
    def key(form: str) -> tuple[bool, ...]:
        return form != first, not _in(form, "big5"), form != plain

    return key


def _converted(way: str, characters: Iterable[str]) -> list[str]:
    from opencc import OpenCC  # its dictionaries cost time and memory that only names need

    # Line by line, so that no two make a word.
    converted: str = OpenCC(way).convert("\n".join(characters))
    return converted.split("\n")


def _in(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def prepare() -> None:
    """Makes all tables, for a thread: whoever needs them later finds them made."""
    traditional_forms()
