"""Values written into a statement of PostgreSQL, for COPY, which takes no parameters: each as a quoted literal of no type, typed by its place as a
parameter would be (PostgreSQL documentation, §4.1.2.2 and §10.2)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

_PARTS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([0-9]+)""")
"""Texts and names, in which nothing is a place, and places. Statements are written for ``standard_conforming_strings``, which streams switch on."""


def with_values(text: str, arguments: Sequence[Any]) -> str:
    """The statement with each ``$n`` replaced by its value.

    Raises:
        ValueError: a value that no text of PostgreSQL holds, such as NUL or a lone surrogate.
    """
    written = [_literal(argument) for argument in arguments]
    return _PARTS.sub(lambda found: found[0] if found[1] is None else written[int(found[1]) - 1], text)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return quoted(_array(value) if isinstance(value, list | tuple) else _plain(value))


def quoted(text: str) -> str:
    """A literal that means the text whatever ``standard_conforming_strings`` says: with escapes, and none in it but for backslashes themselves.

    Raises:
        ValueError: see :func:`with_values`.
    """
    if "\0" in text:
        raise ValueError("a text with NUL")
    text.encode()
    return " E'{}'".format(text.replace("\\", "\\\\").replace("'", "''"))


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise ValueError("no value of a wire")


def _array(values: Sequence[Any]) -> str:
    """PostgreSQL documentation, §8.15.6."""
    return "{{{}}}".format(",".join('"{}"'.format(_plain(value).replace("\\", "\\\\").replace('"', '\\"')) for value in values))
