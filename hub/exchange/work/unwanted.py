"""Modules that libraries load beside themselves where they are installed, and that a process has no use for."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

BESIDE_ARROW = ("numpy", "pandas", "polars")
"""Arrow loads the first two, the second as soon as it is handed a value, and ADBC the third: some 90 MiB and half a second."""
_OURS = frozenset({"hub", "schema", "auth", "connectors", "masking"})
_IMPORTERS = frozenset({"importlib", "_frozen_importlib", "_frozen_importlib_external"})


def leave_out(names: Iterable[str], askers: Iterable[str]) -> None:
    """For a process of its own, before any of the modules is loaded: none is there for the packages that ask, nor for the hub's own, which need none.
    A connector from elsewhere, or a library of its, gets what it asks for.
    """
    sys.meta_path.insert(0, _Without(frozenset(names), _OURS.union(askers)))


class _Without:
    """A finder of ``sys.meta_path``, of no base class: importlib.abc takes 20 ms to load."""

    def __init__(self, names: frozenset[str], askers: frozenset[str]) -> None:
        self._names = names
        self._askers = askers

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in self._names and _asker() in self._askers:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def _asker() -> str:
    """The package whose code is at work: what is compiled has no frame, and whoever called it asks for it."""
    frame = inspect.currentframe()
    frame = frame.f_back if frame is not None else None
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if frame.f_code is not _Without.find_spec.__code__ and package not in _IMPORTERS:
            return package
        frame = frame.f_back
    return ""
