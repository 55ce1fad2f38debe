"""The connectors under the conformance kit: each stand puts the people behind one kind of source."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.connectors.stands.stand import Stand


def stands() -> tuple[Stand, ...]:
    """Every module of this folder that has a ``STAND`` or several ``STANDS``, in order of their names."""
    found: list[Stand] = []
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in ("__init__", "stand"):
            module = import_module(f"{__name__}.{path.stem}")
            found += getattr(module, "STANDS", None) or [module.STAND]
    return tuple(sorted(found, key=lambda stand: (stand.place, stand.name)))
