"""Who needs a source that is registered apart from manifests."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, and_, or_, select

from hub.catalog.forms import read_stored
from hub.catalog.manifest import Manifest
from hub.catalog.problems import Lines, Problem
from hub.catalog.tables import manifest, snapshot, source

_REMEDIES = {
    "PUBLISHED": "请先发布不使用它的清单 publish a manifest of the department without it first",
    "APPROVED": "请发布另一份不使用它的清单 publish a later import that does without it",
    "IMPORTED": "请先驳回该导入 reject that import first: huitong catalog review {id} --reject",
}


@dataclass(frozen=True, slots=True)
class Use:
    """A manifest whose resources are read from the source, in two languages, and what frees the source of it."""

    text: str
    remedy: str


def uses_of(connection: Connection, owner: str, code: str) -> list[Use]:
    """Manifests of the department that need its registered source: the published one, and those that wait for review or publication."""
    last = connection.execute(select(snapshot.c.manifests).order_by(snapshot.c.number.desc()).limit(1)).scalar()
    published = int(json.loads(last).get(owner, 0)) if last else 0
    # What was approved before the published one came has been overtaken; publication looks for its sources once more.
    waiting = or_(manifest.c.state == "IMPORTED", and_(manifest.c.state == "APPROVED", manifest.c.id > published), manifest.c.id == published)
    rows = connection.execute(select(manifest).where(manifest.c.department == owner, waiting).order_by(manifest.c.id)).all()
    found = []
    for row in rows:
        needing = _needing(read_stored(row.text, row.form), code)
        if needing:
            text = f"导入 import {row.id} ({row.state}): {', '.join(f'{owner}.{each}' for each in needing)}"
            found.append(Use(text, _REMEDIES[row.state].format(id=row.id)))
    return found


def sources_missing(connection: Connection, read: Manifest, text: str) -> list[Problem]:
    """Resources whose source is neither in the manifest nor registered apart, whatever the manifest that it replaces holds."""
    owner = read.department.code
    registered = connection.execute(select(source.c.code).where(source.c.department == owner)).scalars()
    known = {each.code for each in read.sources} | {each.partition(".")[2] for each in registered}
    return _missing(read, text, known)


def _needing(read: Manifest, code: str) -> list[str]:
    own = {each.code for each in read.sources}
    return [] if code in own else [each.code for each in read.resources if each.source == code]


def _missing(read: Manifest, text: str, known: Collection[str]) -> list[Problem]:
    paths = [(f"resources[{i}].source", each.source) for i, each in enumerate(read.resources) if each.source not in known]
    lines, hint = Lines(text if paths else ""), f"已有 known: {', '.join(sorted(known)) or '-'}"
    return [Problem("UNKNOWN_SOURCE", f"没有数据源 no source {code}", hint, path, lines.line(path)) for path, code in paths]
