"""What the connector of files is told of a resource, and of the hub's own places."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from connectors.files.options import ColumnSpec, FilePart, ObjectSpec
from connectors.selection import Binding, Kind
from connectors.spi import SourceConfig
from hub.catalog.manifest import ItemPart, ResourcePart
from schema.model import Resource

KIND = "files"


def file_binding(part: ResourcePart) -> Binding:
    """The binding of a resource in files: how they are written, and what the catalog says of every column."""
    spec = ObjectSpec(file=part.file or FilePart(), columns=columns(part), left_out=part.left_out)
    options = spec.model_dump(mode="json", exclude_defaults=True)
    return Binding(part.object or part.code, json.dumps(options, sort_keys=True, ensure_ascii=False))


def columns(part: ResourcePart) -> tuple[ColumnSpec, ...]:
    """The stable key first, then the items' columns, then the watermark's. Identifiers may repeat, as in a list of permits by company."""
    by_column: dict[str, ItemPart] = {}
    for item in part.items:
        by_column.setdefault(item.column, item)
    keys = {item.column for item in part.items if item.code in part.identifiers}
    found = {name: _column(item, name == part.stable_key, name in keys) for name, item in by_column.items()}
    stable = found.pop(part.stable_key, None) or ColumnSpec(name=part.stable_key, kind=Kind(part.stable_key_type), nullable=False, unique=True)
    if part.watermark and part.watermark not in (*found, part.stable_key):
        found[part.watermark] = ColumnSpec(name=part.watermark, kind=Kind.DATETIME)
    return (stable, *found.values())


def _column(item: ItemPart, stable: bool, key: bool) -> ColumnSpec:
    return ColumnSpec(name=item.column, kind=Kind(item.type), nullable=item.nullable and not stable, unique=stable, key=key, validator=item.validator)


def with_places(sources: Mapping[str, SourceConfig], resources: Iterable[Resource], home: Path) -> dict[str, SourceConfig]:
    """The sources of files among these, told where their snapshots lie, what is the hub's own, and which resources they serve."""
    served: dict[str, list[dict[str, str]]] = {code: [] for code, config in sources.items() if config.kind == KIND}
    if not served:
        return {}
    for resource in resources:
        if resource.source in served:
            served[resource.source].append({"object": resource.binding.object, "options": resource.binding.options})
    return {code: _placed(sources[code], each, home.absolute()) for code, each in served.items()}


def remove_snapshots(home: Path, sources: Mapping[str, SourceConfig]) -> None:
    """Removes the snapshots of sources that are no longer in the catalog: what is not shared any more is not kept. Whoever still reads one has it open."""
    folder = home / "snapshots"
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in sources or sources[path.name].kind != KIND:
            shutil.rmtree(path, ignore_errors=True)


def _placed(config: SourceConfig, resources: list[dict[str, str]], home: Path) -> SourceConfig:
    places = {"snapshots": str(home / "snapshots" / config.code), "closed": str(home), "resources": resources}
    return replace(config, options={**config.options, **places})
