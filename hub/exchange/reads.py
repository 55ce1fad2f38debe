"""Where an exchange reads. Chunks of before and behind a change of that in the catalog are no exchange: it ends, as when rights change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from connectors.spi import SourceConfig
from schema.model import Resource


def reads_of(resources: Iterable[Resource], sources: Mapping[str, SourceConfig]) -> str:
    """SHA-256, in hex, over all that says which rows and columns are read, and in which order chunks follow each other.

    What only describes does not count, nor how a source is used: passwords are renewed, and hours changed, while exchanges run.
    """
    return hashlib.sha256(json.dumps(sorted(map(list, {_read(each, sources) for each in resources}))).encode()).hexdigest()


def _read(resource: Resource, sources: Mapping[str, SourceConfig]) -> tuple[str, str]:
    config = sources.get(resource.source)
    items = sorted([item.code, item.column, item.kind.value, item.validator or ""] for item in resource.items.values())
    links = sorted([link.field, link.item, link.to_resource, link.to_item] for link in resource.links)
    where = [resource.source, config and [config.kind, config.url], resource.binding.object, resource.binding.options]
    return resource.code, json.dumps([where, resource.stable_key, resource.stable_kind.value, items, links], ensure_ascii=False)
