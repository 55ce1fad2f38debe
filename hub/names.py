"""Names of who acts, as rules of four eyes compare them."""

from __future__ import annotations

import unicodedata

CLI = "cli:"
"""How the names of who acts at the command line begin; no account's does."""
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
"""Unicode's categories of characters that make a text read otherwise than it is: control, format, line and paragraph separators, surrogates."""
UNSEEN_IN_NAME = "名称含控制字符或方向控制符 the name holds control or direction characters"


def is_seen(name: str) -> bool:
    """Whether the name reads as it is, in one line: nothing in it is unseen, or turns around what stands beside it."""
    return all(unicodedata.category(letter) not in UNSEEN for letter in name)


def as_written(name: str) -> str:
    """The name as it reads: neither full-width letters, capitals, blanks and unseen characters nor the command line make another one."""
    seen = "".join(letter for letter in unicodedata.normalize("NFKC", name) if unicodedata.category(letter) not in UNSEEN and not letter.isspace())
    found = seen.casefold()
    while found.startswith(CLI):
        found = found.removeprefix(CLI)
    return found
