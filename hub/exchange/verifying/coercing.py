"""Texts of a table as values of the types that variables have. Imports nothing of the hub: command lines use it too."""

from __future__ import annotations

import re

from hub.exchange.verifying.reading import Cell

_INTEGER = re.compile(r"[+-]?\d{1,18}\Z")
_FLOAT = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?\Z")
_TRUTH = {"true": True, "false": False}


def coerced(value: Cell, type_: str) -> Cell:
    """A text as a value of a type that texts do not stand for; what cannot be one is left to be refused."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if type_ == "Int":
        return int(text) if _INTEGER.match(text) else value
    if type_ == "Float":
        return float(text) if _FLOAT.match(text) else value
    return _TRUTH.get(text.lower(), value) if type_ == "Boolean" else value
