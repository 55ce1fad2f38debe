"""Drift: how the published catalog and the live sources have come apart (CAT-11, COL-10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Literal

from connectors.errors import ConfigFault, SourceBusy, SourceFault, SourceIncomplete, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.graphql.values import holds
from connectors.registry import open_source
from connectors.selection import Kind
from connectors.spi import ColumnDescription, Source, SourceConfig
from schema.model import Item, Resource

Change = Literal["OBJECT_GONE", "COLUMN_GONE", "COLUMN_NEW", "TYPE", "COMPARED", "NULLABLE"]
_REMEDIES: Mapping[Change, str] = {
    "OBJECT_GONE": "请恢复，或修正清单中的 object、endpoint、remote restore it, or mend `object`, `endpoint` or `remote` in the manifest",
    "COLUMN_GONE": "请恢复该列，或从清单中移除并重新发布 restore it, or take it out of the manifest and publish that",
    "COLUMN_NEW": "请列为信息项，或写入 left_out share it as an item, or name it in `left_out`",
    "TYPE": "请在清单中更正类型并重新发布 correct the type in the manifest and publish that",
    "COMPARED": (
        "此类型的列只能展示：请去除 filterable 或标识，或由视图转换为文本 "
        "a column of this type can only be shown: take `filterable`, or the identifier, away, or have a view cast it to text"
    ),
    "NULLABLE": "请将 nullable 改为 true，并告知用户 write nullable = true, and tell who uses it",
}
_HAPPENED: Sequence[tuple[type[SourceFault], str]] = (
    (SourceTimeout, "数据源响应超时"),
    (SourceBusy, "数据源的连接均被占用"),
    (SourceUnavailable, "数据源无法访问"),
    (SourceRefused, "数据源拒绝访问、没有此对象或应答有误"),
    (SourceFault, "数据源故障"),
)
"""What a fault's own words say in English; the first that fits."""
_HELD: Mapping[Kind, frozenset[Kind]] = {
    Kind.INTEGER: frozenset({Kind.INTEGER, Kind.BIGINT, Kind.DECIMAL}),
    Kind.BIGINT: frozenset({Kind.BIGINT, Kind.DECIMAL}),
    Kind.DATE: frozenset({Kind.DATE, Kind.DATETIME}),
}
"""Column's kind → the items' kinds that hold its values; else the kind itself."""
_NEVER: Mapping[Kind, frozenset[Kind]] = {
    Kind.STRING: frozenset({Kind.INTEGER, Kind.BIGINT, Kind.FLOAT, Kind.BOOLEAN}),
    Kind.BIGINT: frozenset({Kind.DATE, Kind.DATETIME}),
}
"""SQLite's declared types promise an affinity only; declared kind → what is never read from such a column."""


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


class Types(Enum):
    """What a source's description of its types is worth."""

    BINDING = "binding"
    LEAVES = "leaves"
    AFFINITY = "affinity"
    NONE = "none"

    @classmethod
    def of(cls, config: SourceConfig) -> Types:
        """By the source's kind and address: files and REST services describe what they happen to hold."""
        if config.kind == "graphql":
            return cls.LEAVES
        if config.kind != "sql":
            return cls.NONE
        return cls.AFFINITY if config.url.startswith("sqlite") else cls.BINDING


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
        found.unasked.append(Unasked(config.code, codes, f"数据源的配置不可用 {fault.message}", f"请更正配置 {fault.hint}"))
        return
    try:
        failed = False
        for place, resource in enumerate(resources):
            try:
                await _compare(source, config, resource, found)
            except SourceFault as fault:
                remedy = f"请核对地址、账号、密钥与网络 check address, account, secret and network: huitong source check {config.code}"
                whole = failed and not isinstance(fault, SourceIncomplete)
                why = _reason(fault)
                before = found.unasked.pop().resources if whole and found.unasked[-1].message == why else ()
                found.unasked.append(Unasked(config.code, (*before, *(codes[place:] if whole else codes[place : place + 1])), why, remedy))
                if whole:
                    # Twice in a row it is the source's own trouble, for which no other resource need wait.
                    return
                failed = not isinstance(fault, SourceIncomplete)
            else:
                failed = False
    finally:
        await source.close()


async def _compare(source: Source, config: SourceConfig, resource: Resource, found: Found) -> None:
    try:
        columns = {column.name: column for column in await source.describe(resource.binding)}
    except SourceRefused as fault:
        found.drifts.append(_drift(resource, "", "OBJECT_GONE", resource.binding.object, _reason(fault)))
    else:
        found.drifts += _differences(resource, _seen(config.kind, resource, columns), Types.of(config))
    found.checked += 1


def _reason(fault: SourceFault) -> str:
    return f"{next(said for kind, said in _HAPPENED if isinstance(fault, kind))} {fault}"


def _differences(resource: Resource, columns: Mapping[str, ColumnDescription], types: Types) -> Iterator[Drift]:
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
            yield from _changed(resource, item, columns[item.column], types)


def _seen(kind: str, resource: Resource, columns: Mapping[str, ColumnDescription]) -> Mapping[str, ColumnDescription]:
    """The columns, and those of the catalog that lie within one: what a list of a service holds, or an object of GraphQL, is not described."""
    if kind not in ("rest", "graphql"):
        return columns
    named = {resource.stable_key, resource.watermark or resource.stable_key, *(item.column for item in resource.items.values())}
    around = {each: {name for name in named if _encloses(column, name)} for each, column in columns.items() if each not in named}
    within = {name: replace(columns[each], name=name, kind=None) for each, names in around.items() for name in names if name not in columns}
    if kind == "graphql":
        within |= {name: ColumnDescription(name, "", nullable=True) for name in named if name not in columns and "." in name}
    return {name: column for name, column in columns.items() if not around.get(name)} | within


def _encloses(outer: ColumnDescription, name: str) -> bool:
    """What is not described may hold the column: a list, what is null in all that was seen, or one of several elements in XML. A plain value holds none."""
    inner = name.removeprefix(f"{outer.name}.")
    return inner != name and (inner.isdigit() or not {"list", "null"}.isdisjoint(outer.type.split(" | ")))


def _changed(resource: Resource, item: Item, column: ColumnDescription, types: Types) -> Iterator[Drift]:
    if not _holds(item.kind, column, types):
        yield _drift(resource, column.name, "TYPE", item.kind.value, column.type)
    elif not column.compared and (item.filterable or item.code in resource.identifiers):
        yield _drift(resource, column.name, "COMPARED", "filterable" if item.filterable else "identifier", column.type)
    if column.nullable and not item.nullable and types is not Types.NONE:
        yield _drift(resource, column.name, "NULLABLE", "nullable = false", "nullable")


def _holds(catalog: Kind, column: ColumnDescription, types: Types) -> bool:
    if column.kind is None:
        # The source's words have no kind: text is how such a value can be read at all. Of what it does not describe nothing is known.
        return catalog is Kind.STRING or types not in (Types.BINDING, Types.LEAVES) or not column.type
    match types:
        case Types.BINDING:
            return catalog in _HELD.get(column.kind, frozenset({column.kind}))
        case Types.LEAVES:
            return holds(column.kind, catalog)
        case Types.AFFINITY:
            return not column.type or catalog not in _NEVER.get(column.kind, frozenset())
    return True


def _drift(resource: Resource, column: str, change: Change, catalog: str, source: str) -> Drift:
    return Drift(resource.code, resource.binding.object, column, change, catalog, source, _REMEDIES[change])
