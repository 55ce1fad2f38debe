"""What a source must satisfy, in a manifest or registered apart: its kind and address are ones that can be opened. Nothing is opened for it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from connectors.registry import kinds
from connectors.sql.connector import FORMS, schemes
from hub.catalog.file_checks import files_source
from hub.catalog.manifest import SourcePart
from hub.catalog.problems import Problem
from hub.catalog.reach import reach
from hub.catalog.remote_checks import graphql_source
from hub.catalog.rest_checks import rest_source

Found = Iterator[tuple[str, str, str, str]]
"""(code, path, message, hint)."""
_BY_KIND = {"rest": rest_source, "graphql": graphql_source, "files": files_source}


def source_faults(path: str, part: SourcePart, known: Collection[str]) -> Found:
    """Every fault of one source that stands at ``path``; ``known`` are those that can be opened here."""
    yield from secret_in_url(f"{path}.url", part.url)
    if part.kind not in known:
        hint = f"{_close(part.kind, known)}可用 installed here: {', '.join(sorted(known))}"
        yield "SOURCE_KIND", f"{path}.kind", f"没有 {part.kind} 类连接器 there is no connector for kind {part.kind}", hint
    elif part.kind == "sql":
        yield from _sql_source(path, part)
    elif check := _BY_KIND.get(part.kind):
        yield from check(path, part)


def source_problems(part: SourcePart, home: Path) -> list[Problem]:
    """Every fault of a source that is not part of a manifest, with what it may not reach; ``home`` is the hub's own directory."""
    found = (*source_faults("", part, kinds()), *reach(part, "", home))
    return [Problem(code, message, hint, path.removeprefix(".")) for code, path, message, hint in found]


def secret_in_url(path: str, url: str) -> Found:
    """A password has no place in a source's address."""
    try:
        has_password = urlsplit(url).password is not None
    except ValueError:
        yield "URL_INVALID", path, "地址无法解析 the address cannot be parsed", "例如 e.g. postgresql+asyncpg://reader@host:5432/db"
        return
    if has_password:
        yield "SECRET_IN_URL", path, "地址中不得含有密码 an address must not hold a password", '请用 use secret = "env:NAME" 或 or "file:PATH"'


def _sql_source(path: str, part: SourcePart) -> Found:
    try:
        scheme = make_url(part.url).drivername
    except (ArgumentError, ValueError):
        yield "URL_INVALID", f"{path}.url", "不是数据库地址 no database's address", FORMS
        return
    if scheme not in schemes():
        message = f"没有数据库驱动 {scheme[:60]} no driver is known for {scheme[:60]}"
        yield "SOURCE_DRIVER", f"{path}.url", message, f"{_close(scheme, schemes())}{FORMS}"


def _close(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, sorted(known), 1)
    return f"是否为 {close[0]}? did you mean {close[0]}? " if close else ""
