"""A steward's manifest names no secret and no folder that is another department's: who may import for one department reaches that one alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from connectors.files.places import local_folder
from connectors.spi import SourceConfig
from hub.catalog.manifest import Manifest
from hub.catalog.problems import Lines, Problem
from schema.model import Snapshot


def of_others(manifest: Manifest, text: str, snapshot: Snapshot) -> list[Problem]:
    """Faults of a manifest that its own department's steward imports."""
    own = manifest.department.code
    lines = Lines(text)
    theirs = [config for code, config in snapshot.sources.items() if not code.startswith(f"{own}.")]
    secrets = {config.secret for config in theirs if config.secret}
    folders = _folders(theirs)
    problems = []
    for i, source in enumerate(manifest.sources):
        where = source.secret or ""
        if where in secrets or _named(where, {*snapshot.departments, own}) not in (None, own):
            hint = f"env:{own.upper()}_DB_PASSWORD"
            problems.append(_problem(lines, f"sources[{i}].secret", f"密钥属于其他部门 the secret is another department's: {where}", hint))
        mine = _folder(source.kind, source.url)
        if mine is not None and any(mine.is_relative_to(other) or other.is_relative_to(mine) for other in folders):
            hint = "请使用本部门交付文件的目录 use the folder into which your department delivers"
            problems.append(_problem(lines, f"sources[{i}].url", f"目录属于其他部门 the folder is another department's: {source.url}", hint))
    return problems


def _named(secret: str, departments: Iterable[str]) -> str | None:
    """The department that an environment variable's name begins with, the longest where several fit."""
    fitting = [code for code in departments if secret.startswith(f"env:{code.upper()}_")]
    return max(fitting, key=len, default=None)


def _folders(configs: Iterable[SourceConfig]) -> list[Path]:
    return [folder for config in configs if (folder := _folder(config.kind, config.url)) is not None]


def _folder(kind: str, url: str) -> Path | None:
    if kind != "files":
        return None
    try:
        found = local_folder(url)
    except ValueError:
        return None
    return found.resolve() if found else None


def _problem(lines: Lines, path: str, message: str, hint: str) -> Problem:
    return Problem("PLACE_OF_ANOTHER", message, hint, path, lines.line(path))
