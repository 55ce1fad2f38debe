"""Texts that people write: whether they read as they are."""

from __future__ import annotations

import json
import unicodedata

from hub.names import UNSEEN

MOST_PURPOSE_TEXT = 512
"""Characters of a scenario and of a legal basis: every call's entry says them, and the ledger takes no more."""
MOST_APPROVER = 256
"""Characters of an approver's name, for the same reason."""
_LAYOUT = frozenset("\n\r\t")
NOT_PLAIN = "含控制字符或方向控制符 holds control or direction characters"


def is_plain(text: str) -> bool:
    """Whether the text reads as it is: letters, signs, spaces, line ends and tabs alone."""
    return all(letter in _LAYOUT or unicodedata.category(letter) not in UNSEEN for letter in text)


def escaped(text: str) -> str:
    r"""The text in one line, with everything that is not seen as JSON writes it (``\u202e``); JSON stays the same JSON."""
    return "".join(json.dumps(letter)[1:-1] if unicodedata.category(letter) in UNSEEN else letter for letter in text)
