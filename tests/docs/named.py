"""Tests that documentation names as ``tests/folder/file.py::test_name``: whether they exist."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.docs.pages import ROOT

_NAMED = re.compile(r"`(tests/[\w/]+\.(?:py|mjs))(?:::(\w+))?`")


def named(text: str) -> list[tuple[str, str]]:
    """(file, test) of every test that a text names; the test is empty where a whole file is named."""
    return _NAMED.findall(text)


@cache
def _tests_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def missing(text: str) -> list[str]:
    """Those that do not exist."""
    gone = []
    for file, name in named(text):
        there = (ROOT / file).is_file() and (not name or name in _tests_of(file))
        if not there:
            gone.append(f"{file}::{name}")
    return gone
