"""What can be wrong with evidence, in Chinese and English."""

from __future__ import annotations


class Fault(Exception):
    """``zh`` and ``en`` say what is wrong; ``index`` is the first entry concerned, ``None`` where it is no entry."""

    def __init__(self, zh: str, en: str, index: int | None = None) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.index = index


class Refuted(Fault):
    """The evidence contradicts itself, a signature or other evidence."""


class Unreadable(Fault):
    """The evidence is not in the form it should have, or cannot be read: nothing can be said of what it claims."""
