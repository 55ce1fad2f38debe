"""Drafts of databases that the tests make."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from connectors.registry import open_source
from hub.catalog.build import source_config
from hub.catalog.draft.drafting import Draft, Wanted, draft
from hub.catalog.manifest import DepartmentPart, ItemPart, ResourcePart, SourcePart, read_manifest

DEPARTMENT = DepartmentPart(code="archive", name="市档案馆", uscc="115201000093900013")
NASTY = Path(__file__).with_name("nasty_sqlite.sql").read_text("utf-8")


def write(path: Path, script: str) -> str:
    """A SQLite file made by a script; its URL."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(script)
    return f"sqlite:///{path}"


async def drafted(url: str, only: Sequence[str] = (), kind: str = "sql", **wanted: Any) -> Draft:
    """The draft of a source that is not registered, unless ``wanted`` says more."""
    declared = SourcePart(code="main", kind=kind, url=url)
    source = open_source(source_config(DEPARTMENT.code, declared))
    try:
        return await draft(source, Wanted(**{"department": DEPARTMENT, "source": "main", "declared": declared, "only": only, **wanted}))
    finally:
        await source.close()


def resources(made: Draft) -> Mapping[str, ResourcePart]:
    """Its resources by object."""
    return {resource.object or "": resource for resource in read_manifest(made.text).resources}


def items(resource: ResourcePart) -> Mapping[str, ItemPart]:
    """Its items by column."""
    return {item.column: item for item in resource.items}


def left_out(made: Draft) -> Mapping[str, str]:
    """What has no place in the draft, and why."""
    return {each["object"]: each["reason"] for each in made.report.left_out}


def links(resource: ResourcePart) -> Mapping[str, str]:
    """Its links by item: where to."""
    return {link.item: link.to for link in resource.links}
