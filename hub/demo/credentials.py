"""The two files that tell how to try the demonstration: ``credentials.json`` and ``samples.json``. Their shapes are a contract."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from hub.demo.declarations import Application


@dataclass(frozen=True, slots=True)
class Credential:
    """One application's entry in ``credentials.json``. ``scope`` is space-separated, ``purposes`` are codes."""

    name: str
    department: str
    client_id: str
    client_secret: str
    scope: str
    purposes: tuple[str, ...]
    operator: str
    row_condition: dict[str, object] | None
    description: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Credential({self.name!r})"


def credential(application: Application, client_id: str, client_secret: str) -> Credential:
    """The entry of a registered application."""
    return Credential(
        application.code,
        application.department,
        client_id,
        client_secret,
        " ".join(application.scopes),
        tuple(purpose.code for purpose in application.purposes),
        application.operator,
        application.row_condition,
        application.description,
    )


def write_credentials(path: Path, credentials: Iterable[Credential]) -> None:
    """Replace ``credentials.json``, readable by its owner alone from the first byte on."""
    _write(path, [asdict(entry) for entry in credentials])


def write_json(path: Path, content: object) -> None:
    """Replace a JSON file as a whole, readable by its owner alone."""
    _write(path, content)


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.write("\n")
    draft.replace(path)
