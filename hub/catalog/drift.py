"""Drift: how the published catalog and the live sources have come apart (CAT-11, COL-10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from connectors.errors import ConfigFault, SourceFault, SourceRefused
from connectors.registry import open_source
from connectors.selection import Kind
from connectors.spi import ColumnDescription, Source, SourceConfig
from schema.model import Item, Resource

Change = Literal["OBJECT_GONE", "COLUMN_GONE", "COLUMN_NEW", "TYPE", "NULLABLE"]
_REMEDIES: Mapping[Change, str] = {
    "OBJECT_GONE": "请恢复该表或修正清单中的 object restore it, or mend `object` in the manifest",
    "COLUMN_GONE": "请恢复该列，或从清单中移除并重新发布 restore it, or take it out of the manifest and publish that",
    "COLUMN_NEW": "请列为信息项，或写入 left_out share it as an item, or name it in `left_out`",
    "TYPE": "请在清单中更正类型并重新发布 correct the type in the manifest and publish that",
    "NULLABLE": "请将 nullable 改为 true，并告知用户 write nullable = true, and tell who uses it",
}
_HELD: Mapping[Kind, frozenset[Kind]] = {
    Kind.INTEGER: frozenset({Kind.INTEGER, Kind.BIGINT, Kind.DECIMAL}),
    Kind.BIGINT: frozenset({Kind.BIGINT, Kind.DECIMAL}),
    Kind.DATE: frozenset({Kind.DATE, Kind.DATETIME}),
}
"""Column's kind → the items' kinds that hold its values; else the kind itself."""
_LOOSE = frozenset({Kind.STRING, Kind.BIGINT, Kind.DECIMAL, Kind.FLOAT})
"""Kinds that SQLite's declared types promise without binding anything: text may be dates, integers may be booleans."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. ``catalog`` and ``source`` say how the two have it."""

    resource: str
    object: str
    column: str
    change: Change
    catalog: str
    source: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Unasked:
    """A source that could not be asked: no drift, and no proof that there is none."""

    source: str
    resources: tuple[str, ...]
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Promise:
    """What a source's description binds it to: a SQLite column may hold any type, and a service promises nothing."""

    types: bool
    nulls: bool

    @classmethod
    def of(cls, config: SourceConfig) -> Promise:
        """By its kind and address."""
        return cls(types=config.kind == "sql" and not config.url.startswith("sqlite"), nulls=config.kind == "sql")


@dataclass(slots=True)
class Found:
    """``checked`` resources were compared."""

    checked: int = 0
    drifts: list[Drift] = field(default_factory=list)
    unasked: list[Unasked] = field(default_factory=list)


async def find_drift(sources: Mapping[str, SourceConfig], resources: Sequence[Resource]) -> Found:
    """Compares each resource with what its source describes now; one source after the other, each opened once."""
    found = Found()
    for code in dict.fromkeys(resource.source for resource in resources):
        await _ask(sources[code], [resource for resource in resources if resource.source == code], found)
    return found


async def _ask(config: SourceConfig, resources: Sequence[Resource], found: Found) -> None:
    codes = tuple(resource.code for resource in resources)
    try:
        source = open_source(config)
    except ConfigFault as fault:
        found.unasked.append(Unasked(config.code, codes, fault.message, fault.hint))
        return
    try:
        for place, resource in enumerate(resources):
            try:
                await _compare(source, config, resource, found)
            except SourceFault as fault:
                remedy = f"请核对地址、账号、密钥与网络 check address, account, secret and network: huitong source check {config.code}"
                found.unasked.append(Unasked(config.code, codes[place:], str(fault), remedy))
                return
    finally:
        await source.close()


async def _compare(source: Source, config: SourceConfig, resource: Resource, found: Found) -> None:
    try:
        columns = {column.name: column for column in await source.describe(resource.binding)}
    except SourceRefused as fault:
        found.drifts.append(_drift(resource, "", "OBJECT_GONE", resource.binding.object, str(fault)))
    else:
        found.drifts += _differences(resource, columns, Promise.of(config))
    found.checked += 1


def _differences(resource: Resource, columns: Mapping[str, ColumnDescription], promise: Promise) -> Iterator[Drift]:
    known = {resource.stable_key: "stable_key"} | ({resource.watermark: "watermark"} if resource.watermark else {})
    known |= {item.column: item.kind.value for item in resource.items.values()}
    for name, said in known.items():
        if name not in columns:
            yield _drift(resource, name, "COLUMN_GONE", said, "")
    for name, column in columns.items():
        if name not in known and name not in resource.left_out:
            yield _drift(resource, name, "COLUMN_NEW", "", column.type)
    for item in resource.items.values():
        if item.column in columns:
            yield from _changed(resource, item, columns[item.column], promise)


def _changed(resource: Resource, item: Item, column: ColumnDescription, promise: Promise) -> Iterator[Drift]:
    if not _holds(item.kind, column.kind, promise):
        yield _drift(resource, column.name, "TYPE", item.kind.value, column.type)
    if column.nullable and not item.nullable and promise.nulls:
        yield _drift(resource, column.name, "NULLABLE", "nullable = false", "nullable")


def _holds(catalog: Kind, source: Kind | None, promise: Promise) -> bool:
    if source is None:
        # The source's words have no kind: text is how such a value can be read at all.
        return catalog is Kind.STRING or not promise.types
    return catalog in _HELD.get(source, frozenset({source})) or (not promise.types and source in _LOOSE)


def _drift(resource: Resource, column: str, change: Change, catalog: str, source: str) -> Drift:
    return Drift(resource.code, resource.binding.object, column, change, catalog, source, _REMEDIES[change])
