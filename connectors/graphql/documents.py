"""Documents: names from the catalog and types from introspection; every value is a variable, so that the service may keep the document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.graphql.target import Single, Target

PAGE_INFO = "pageInfo { hasNextPage endCursor }"


def list_document(target: Target, columns: Sequence[str], arguments: Iterable[str], *, cursors: bool = False) -> str:
    """Reads one page of a list with these arguments; with ``cursors``, each element's too."""
    items = ("cursor " if cursors else "") + _nested(target.behind, selection(columns))
    value = _nested(target.before, items)
    if target.remote.style != "list":
        value = f"{value} {PAGE_INFO}"
    return _document(target, arguments, value)


def count_document(target: Target, arguments: Iterable[str]) -> str:
    """Asks for the number of all items."""
    return _document(target, arguments, selection([target.remote.total_path or ""]))


def look_up_document(single: Single, columns: Sequence[str], count: int) -> str:
    """Looks up ``count`` single objects at once, under the aliases ``k0``, ``k1`` …"""
    declared = ", ".join(f"$k{i}: {single.type.text}" for i in range(count))
    *above, name = single.path
    inner = " ".join(f"k{i}: {name}({single.argument}: $k{i}) {{ {selection(columns)} }}" for i in range(count))
    return f"query ({declared}) {{ {_nested(above, inner)} }}"


def _document(target: Target, arguments: Iterable[str], value: str) -> str:
    names = sorted(set(arguments))
    *above, name = target.path
    declared = ", ".join(f"${each}: {target.arguments[each].type.text}" for each in names)
    given = ", ".join(f"{each}: ${each}" for each in names)
    call = f"{name}({given})" if names else name
    head = f"query ({declared}) " if names else ""
    return f"{head}{{ {_nested(above, f'{call} {{ {value} }}')} }}"


def _nested(names: Iterable[str], inner: str) -> str:
    for name in reversed(list(names)):
        inner = f"{name} {{ {inner} }}"
    return inner


def selection(columns: Iterable[str]) -> str:
    """Dotted paths as nested fields; without any, the one field that every object has."""
    tree: dict[str, Any] = {}
    for column in columns:
        level = tree
        for name in column.split("."):
            level = level.setdefault(name, {})
    return _written(tree) or "__typename"


def _written(tree: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {{ {_written(below)} }}" if below else name for name, below in tree.items())
