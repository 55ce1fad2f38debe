"""The departments' manifests, with the addresses of this home and this REST service filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).with_name("manifests")
CLASSIFIED = _FOLDER / "refused" / "classified.toml"
"""A manifest with CLASSIFIED data, which every import must refuse (CLS-04)."""


def manifests(home: Path, rest_url: str, databases: Mapping[str, str] | None = None) -> dict[str, str]:
    """The manifests as TOML text by department code.

    ``rest_url`` is the REST service's address without a final slash. ``databases`` puts other database URLs in place of the
    SQLite files, by department code.
    """
    urls = databases or {}
    return {path.stem: _filled(path, str(home.absolute()), rest_url, urls.get(path.stem)) for path in sorted(_FOLDER.glob("*.toml"))}


def _filled(path: Path, home: str, rest_url: str, database: str | None) -> str:
    text = path.read_text(encoding="utf-8")
    if database is not None:
        text = text.replace(f"sqlite+aiosqlite:///{{home}}/demo/{path.stem}.db", _quoted(database))
    return text.replace("{home}", _quoted(home)).replace("{rest_url}", _quoted(rest_url))


def _quoted(text: str) -> str:
    """The text as it stands inside a TOML basic string, whose escapes are JSON's."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
