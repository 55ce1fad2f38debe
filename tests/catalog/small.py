"""The smallest manifest without fault, to be broken in one place at a time."""

from __future__ import annotations

from pathlib import Path

SMALL = Path(__file__).with_name("small.toml").read_text("utf-8")


def changed(old: str, new: str, text: str = SMALL) -> str:
    """The manifest with its first ``old`` replaced."""
    assert old in text, old
    return text.replace(old, new, 1)


def line_of(part: str, text: str) -> int:
    """The number of the first line that holds ``part``."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)
