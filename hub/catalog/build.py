"""Manifests → the immutable snapshot that the schema room works with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.selection import Binding, Kind
from connectors.spi import SourceConfig
from hub.catalog.files import KIND, file_binding, with_places
from hub.catalog.manifest import ItemPart, Manifest, ResourcePart, SourcePart
from hub.catalog.mask_rules import declared_masks
from hub.exchange.window import ALWAYS
from masking.rules import Mask
from schema.model import Department, Item, Link, Resource, Snapshot


@dataclass(frozen=True, slots=True)
class Published:
    """What one manifest puts into the catalog. Snapshots share it: what was not published anew is the same object in the next one."""

    sources: Mapping[str, SourceConfig]
    resources: Mapping[str, Resource]


def build_part(manifest: Manifest) -> Published:
    """The sources and resources of a manifest, by code."""
    code = manifest.department.code
    sources = {f"{code}.{part.code}": source_config(code, part) for part in manifest.sources}
    in_files = {part.code for part in manifest.sources if part.kind == KIND}
    masks = declared_masks(manifest)
    return Published(sources, {f"{code}.{part.code}": _resource(code, part, part.source in in_files, masks) for part in manifest.resources})


def build_snapshot(
    number: int,
    parts: Iterable[Published],
    departments: Mapping[str, Department],
    sources: Mapping[str, SourceConfig],
    published_at: datetime | None = None,
    home: Path | None = None,
) -> Snapshot:
    """The snapshot of these parts; ``sources`` are those registered apart from manifests. In ``home`` the hub keeps what sources of files need."""
    known = dict(sources)
    resources: dict[str, Resource] = {}
    for part in parts:
        known |= part.sources
        resources |= part.resources
    if home is not None:
        known |= with_places(known, resources.values(), home)
    return Snapshot(number, departments, known, resources, published_at)


def source_config(department: str, part: SourcePart) -> SourceConfig:
    """The configuration with which connectors open the source."""
    options: dict[str, object] = dict(part.options)
    if part.auth != "none":
        options["auth"] = part.auth
    if part.health is not None:
        options["health"] = part.health
    if part.window != ALWAYS:
        options["window"] = part.window
    return SourceConfig(
        f"{department}.{part.code}",
        part.kind,
        part.url,
        part.secret,
        pool=part.pool,
        queue=part.queue,
        timeout_ms=part.timeout_ms,
        local_rows=part.local_rows,
        options=options,
        rendering=part.rendering,
        exchange_masks=part.exchange_masks,
        exchange_sessions=part.exchange_sessions,
    )


def _resource(department: str, part: ResourcePart, in_files: bool, masks: Mapping[str, Mask]) -> Resource:
    items = {item.code: _item(item) for item in part.items}
    return Resource(
        code=f"{department}.{part.code}",
        department=department,
        name=part.name,
        plural=part.plural,
        source=f"{department}.{part.source}",
        binding=file_binding(part) if in_files or part.file else _binding(part),
        identifiers=part.identifiers,
        stable_key=part.stable_key,
        stable_kind=_stable_kind(part),
        items=items,
        links=tuple(Link(link.field, link.item, link.to.rpartition(".")[0], link.to.rpartition(".")[2]) for link in part.links),
        name_en=part.name_en,
        description=part.description,
        classification=part.classification,
        level=part.level,
        sharing_class=part.sharing_class,
        legal_basis=part.legal_basis,
        open_class=part.open_class,
        update_cycle=part.update_cycle,
        operations=frozenset(part.operations),
        service_methods=part.service_methods,
        watermark=part.watermark,
        left_out=frozenset(part.left_out),
        cohort=part.cohort,
        masks=masks,
    )


def _binding(part: ResourcePart) -> Binding:
    described = part.endpoint or part.remote
    options: dict[str, Any] = described.model_dump(mode="json", exclude_none=True, exclude_defaults=True) if described else dict(part.options)
    return Binding(part.object or part.code, json.dumps(options, sort_keys=True, ensure_ascii=False) if options else "")


def _stable_kind(part: ResourcePart) -> Kind:
    for item in part.items:
        if item.column == part.stable_key:
            return Kind(item.type)
    return Kind(part.stable_key_type)


def _item(part: ItemPart) -> Item:
    return Item(
        code=part.code,
        name=part.name,
        kind=Kind(part.type),
        column=part.column,
        name_en=part.name_en,
        description=part.description,
        sharing_class=part.sharing_class,
        marks=frozenset(part.marks),
        validator=part.validator,
        filterable=part.filterable,
        low_cardinality=part.low_cardinality,
        nullable=part.nullable,
        share_mask=part.mask.share,
        open_mask=part.mask.open,
    )
