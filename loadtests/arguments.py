"""What programs that measure for minutes check of their arguments before they begin."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path


def some(text: str) -> int:
    """A number from 1.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text}: a number from 1 is expected")
    return int(text)


def unwritable(folder: Path) -> str | None:
    """Why no file can be made in the folder, which is made where it is missing: known before what may be an hour of measuring, not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)
