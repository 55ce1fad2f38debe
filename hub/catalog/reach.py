"""What a source may reach of the hub's own machine: no file or secret of the hub itself, whoever writes the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors.files.places import local_folder
from hub.catalog.manifest import Manifest, SourcePart
from hub.catalog.problems import Lines, Problem

SYSTEM_SECRETS = Path("/run/secrets")
"""Where service managers put secrets."""
Found = Iterator[tuple[str, str, str, str]]


def check_reach(manifest: Manifest, text: str, home: Path) -> list[Problem]:
    """Faults of a manifest's sources."""
    lines = Lines(text)
    found = [each for i, source in enumerate(manifest.sources) for each in reach(source, f"sources[{i}].", home)]
    return [Problem(code, message, hint, path, lines.line(path)) for code, path, message, hint in found]


def reach(source: SourcePart, prefix: str, home: Path) -> Found:
    """(code, path, message, hint) of what one source may not reach."""
    if source.secret is not None:
        yield from _secret(source.secret, f"{prefix}secret", home)
    if source.url.startswith("sqlite"):
        yield from _file(source.url, f"{prefix}url", home)
    if source.kind == "files":
        yield from _folder(source.url, f"{prefix}url", home)


def _secret(secret: str, path: str, home: Path) -> Found:
    kind, _, where = secret.partition(":")
    if kind == "env":
        if where.startswith("HUITONG_"):
            yield "SECRET_PLACE", path, "不得使用汇通自身的环境变量 the hub's own environment is no source's secret", "env:<DEPARTMENT>_DB_PASSWORD"
        return
    allowed = [(home / "secrets").resolve(), SYSTEM_SECRETS]
    if not any(Path(where).resolve().is_relative_to(folder) for folder in allowed):
        hint = f"file:{allowed[0]}/… 或 or file:{SYSTEM_SECRETS}/…"
        yield "SECRET_PLACE", path, "密钥文件须位于指定目录 a secret's file lies in a directory for secrets", hint


def _folder(url: str, path: str, home: Path) -> Found:
    try:
        folder = local_folder(url)
    except ValueError:
        return
    if folder is None:
        return
    where, inside = folder.resolve(), home.resolve()
    if (where.is_relative_to(inside) and not where.is_relative_to(inside / "demo")) or inside.is_relative_to(where):
        yield (
            "FILE_PLACE",
            path,
            "数据源目录不得包含或位于汇通自身的目录 a source's folder neither lies in the hub's own nor holds it",
            "请使用部门交付文件的目录 use the folder into which the department delivers",
        )


def _file(url: str, path: str, home: Path) -> Found:
    where = Path(url.partition(":///")[2].partition("?")[0]).resolve()
    inside, demo = home.resolve(), (home / "demo").resolve()
    if where.is_relative_to(inside) and not where.is_relative_to(demo):
        yield (
            "FILE_PLACE",
            path,
            "数据源不得指向汇通自身的文件 a source does not read the hub's own files",
            "请使用部门数据库的路径 use the path of the department's database",
        )
