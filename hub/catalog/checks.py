"""What a manifest must satisfy beyond its shape: the law's rules on classes and levels, and that everything named exists."""

from __future__ import annotations

from collections.abc import Iterator

from stdnum.cn import uscc

from auth.rights import OpenClass, Operation, SharingClass
from connectors.registry import kinds
from hub.catalog.file_checks import file_resource
from hub.catalog.manifest import ItemPart, LinkPart, Manifest, ResourcePart
from hub.catalog.mask_rules import columns_twice, item_masks, mask_rules
from hub.catalog.problems import Lines, Problem
from hub.catalog.remote_checks import graphql_remote
from hub.catalog.rest_checks import rest_endpoint
from hub.catalog.source_checks import source_faults
from schema.naming import TYPE_SUFFIXES, camel, pascal, type_name

_STRICTNESS = {SharingClass.UNCONDITIONAL: 0, SharingClass.CONDITIONAL: 1, SharingClass.NOT_SHARED: 2}
RESERVED_ITEMS = {"and", "or", "not", "__typename"}
_RESERVED_DEPARTMENTS = {
    "catalog",
    "resource",
    "exchange",
    "exchanges",
    "calls",
    "me",
    "query",
    "mutation",
    "dryRun",
    "accessRequest",
    "accessRequests",
    "disposals",
    "feedback",
    "feedbacks",
}
RESERVED_TYPES = (
    "Query", "Mutation", "Int", "Float", "String", "Boolean", "ID", "Date", "DateTime", "Decimal", "BigInt", "JSON", "Direction", "PageInfo", "Verification",
    "ClaimOutcome", "Access", "Grant", "Caller", "Call", "Department", "Exchange", "Feedback", "Progress", "Medium", "Operation", "Catalog",
    "DryRun", "DryRunCost", "DryRunItem", "DryRunPlace", "DryRunRefusal", "DryRunResource", "DryRunSource", "DryRunUse",
    "ExplainedQuota", "Disposal",
)  # fmt: skip
_KEY_TYPES = {"string", "integer", "bigint"}
Found = Iterator[tuple[str, str, str, str]]
"""(code, path, message, hint)."""


def check_manifest(manifest: Manifest, text: str) -> list[Problem]:
    """Every fault of a manifest that has the right shape."""
    lines = Lines(text)
    return [Problem(code, message, hint, path, lines.line(path)) for code, path, message, hint in _faults(manifest)]


def _faults(manifest: Manifest) -> Found:
    yield from _department(manifest)
    yield from _twice("sources", [s.code for s in manifest.sources])
    yield from _twice("resources", [r.code for r in manifest.resources])
    yield from _names(manifest)
    known = kinds() if manifest.sources else ()
    for i, source in enumerate(manifest.sources):
        yield from source_faults(f"sources[{i}]", source, known)
    yield from _twice("masks", [m.code for m in manifest.masks])
    yield from mask_rules(manifest)
    for i, resource in enumerate(manifest.resources):
        yield from _resource(manifest, f"resources[{i}]", resource)
    yield from item_masks(manifest)
    yield from columns_twice(manifest)


def _department(manifest: Manifest) -> Found:
    code = manifest.department.uscc
    if not uscc.is_valid(code):
        yield (
            "USCC_INVALID",
            "department.uscc",
            f"统一社会信用代码无效 not a valid unified social credit code: {code}",
            "GB 32100:18 位，末位为校验码 check character",
        )
    if camel(manifest.department.code) in _RESERVED_DEPARTMENTS:
        yield "NAME_RESERVED", "department.code", "该部门代码为系统保留 this department code is reserved", "请换用其他代码 choose another code"


def _twice(path: str, codes: list[str], key: str = "code") -> Found:
    for i, code in enumerate(codes):
        if code in codes[:i]:
            yield "DUPLICATE", f"{path}[{i}].{key}", f"{code} 重复出现 stands twice", "请改名或删除 rename or remove one"


def _names(manifest: Manifest) -> Found:
    """No two things of a department may get one GraphQL name: fields of its type, and types of its resources."""
    taken: dict[str, str] = dict.fromkeys(RESERVED_TYPES, "GraphQL")
    owner = manifest.department.code
    if pascal(owner) in taken:
        yield "NAME_RESERVED", "department.code", f"类型名 {pascal(owner)} 为系统保留 this type name is reserved", "请换用其他代码 choose another code"
    taken[pascal(owner)] = owner
    for i, resource in enumerate(manifest.resources):
        fields, types = graphql_names(owner, resource.code, resource.plural)
        for name in fields + types:
            if name in taken:
                other, shown = taken[name], name.lstrip(".")
                message = f"名称 {shown} 已被 {other} 使用 the name {shown} is taken by {other}"
                part = "plural" if name in fields[2:] else "code"
                yield "NAME_TAKEN", f"resources[{i}].{part}", message, "请更改 code 或 plural change one"
            taken[name] = resource.code


def graphql_names(owner: str, code: str, plural: str) -> tuple[list[str], list[str]]:
    """What a resource is called in GraphQL: fields of its department's type, with a dot before each, and types."""
    by_plural = (camel(plural), f"verify{pascal(plural)}", f"{camel(plural)}Aggregate")
    fields = [f".{name}" for name in (camel(code), f"verify{pascal(code)}", *by_plural)]
    return fields, [f"{type_name(f'{owner}.{code}')}{suffix}" for suffix in TYPE_SUFFIXES]


def _item_names(path: str, resource: ResourcePart) -> Found:
    """No two items or links of a resource may get one GraphQL name."""
    named = [(f"items[{i}].code", item.code) for i, item in enumerate(resource.items)] + [
        (f"links[{i}].field", link.field) for i, link in enumerate(resource.links)
    ]
    taken: dict[str, str] = {}
    for place, code in named:
        other = taken.setdefault(camel(code), code)
        if other != code or (place.startswith("links") and camel(code) in [camel(item.code) for item in resource.items]):
            yield "NAME_TAKEN", f"{path}.{place}", f"{code} 与 {other} 同名 has the same GraphQL name as {other}", "请改名 rename one"
    links = [link.field for link in resource.links]
    yield from _twice(f"{path}.links", links, "field")


def _resource(manifest: Manifest, path: str, resource: ResourcePart) -> Found:
    yield from _class_and_level(path, resource)
    yield from _binding(manifest, path, resource)
    yield from _twice(f"{path}.items", [item.code for item in resource.items])
    yield from _item_names(path, resource)
    codes = {item.code: item for item in resource.items}
    for i, code in enumerate(resource.identifiers):
        if code not in codes:
            yield "UNKNOWN_ITEM", f"{path}.identifiers", f"标识 {code} 不是信息项 identifier {code} is no item", f"信息项 items: {', '.join(codes)}"
        elif codes[code].type not in _KEY_TYPES:
            yield "IDENTIFIER_TYPE", f"{path}.identifiers[{i}]", f"{code} 的类型不能作标识 its type cannot identify", "string, integer, bigint"
    if Operation.VERIFY in resource.operations and not resource.identifiers:
        yield "IDENTIFIER_MISSING", f"{path}.identifiers", "提供核验须有标识 verification needs an identifier", "identifiers = [...]"
    for i, item in enumerate(resource.items):
        yield from _item(f"{path}.items[{i}]", resource, item)
    for i, link in enumerate(resource.links):
        yield from _link(manifest, f"{path}.links[{i}]", resource, link, codes)


def _class_and_level(path: str, resource: ResourcePart) -> Found:
    if resource.level == "CLASSIFIED" or any(item.level == "CLASSIFIED" for item in resource.items):
        yield (
            "CLASSIFIED",
            f"{path}.level",
            "涉密数据不得进入平台 classified data never enters the hub (CLS-04)",
            "请移除该资源或信息项 remove the resource or the item",
        )
        return
    if resource.sharing_class is not SharingClass.UNCONDITIONAL and not resource.legal_basis:
        yield (
            "LEGAL_BASIS",
            f"{path}.legal_basis",
            "有条件共享与不予共享须列明依据 this sharing class needs a legal basis (CLS-02)",
            'legal_basis = ["…法第…条"]',
        )
    if resource.level == "PUBLIC" and resource.sharing_class is not SharingClass.UNCONDITIONAL:
        yield (
            "LEVEL_CLASS",
            f"{path}.sharing_class",
            "公开级数据应为无条件共享 PUBLIC data are shared unconditionally (CLS-03)",
            "sharing_class = UNCONDITIONAL",
        )
    if resource.open_class is OpenClass.OPEN and resource.level != "PUBLIC":
        yield "LEVEL_OPEN", f"{path}.open_class", "普遍开放的数据须为公开级 open data must be PUBLIC (CLS-03)", "level = PUBLIC 或 or open_class = CLOSED"


def _binding(manifest: Manifest, path: str, resource: ResourcePart) -> Found:
    kind = next((source.kind for source in manifest.sources if source.code == resource.source), None)
    if kind == "rest" and resource.endpoint is None:
        yield "ENDPOINT_MISSING", f"{path}.endpoint", "REST 数据源的资源须有 endpoint a resource of a REST source needs an endpoint", "[resources.endpoint]"
    if kind == "sql" and resource.object is None:
        yield "OBJECT_MISSING", f"{path}.object", "SQL 数据源的资源须有 object a resource of an SQL source needs an object", 'object = "schema.table"'
    yield from rest_endpoint(path, resource)
    yield from graphql_remote(path, kind, resource)
    yield from file_resource(path, kind, resource)
    if resource.object is None and resource.endpoint is None and resource.remote is None:
        yield "BINDING_MISSING", path, "须有 object、endpoint 或 remote an object, an endpoint or a remote is needed", ""


def _item(path: str, resource: ResourcePart, item: ItemPart) -> Found:
    if item.code in RESERVED_ITEMS:
        yield "NAME_RESERVED", f"{path}.code", f"{item.code} 为系统保留 is reserved", "请改名 rename it"
    if item.sharing_class is not None and _STRICTNESS[item.sharing_class] < _STRICTNESS[resource.sharing_class]:
        yield "ITEM_CLASS", f"{path}.sharing_class", "信息项的共享类型不得宽于资源 an item is not shared more widely than its resource", ""
    if item.filterable and item.column == "":
        yield "COLUMN_MISSING", f"{path}.column", "须有列名 a column is needed", ""


def _link(manifest: Manifest, path: str, resource: ResourcePart, link: LinkPart, codes: dict[str, ItemPart]) -> Found:
    if link.item not in codes:
        yield "UNKNOWN_ITEM", f"{path}.item", f"{link.item} 不是信息项 is no item", f"信息项 items: {', '.join(codes)}"
    if link.field in RESERVED_ITEMS:
        yield "NAME_RESERVED", f"{path}.field", f"{link.field} 为系统保留 is reserved", "请改名 rename it"
    department, code, target_item = link.to.split(".")
    if department != manifest.department.code:
        return
    target = next((r for r in manifest.resources if r.code == code), None)
    if target is None or target_item not in target.identifiers:
        yield "LINK_TARGET", f"{path}.to", f"{link.to} 不是本清单资源的标识 is no identifier of a resource in this manifest", "请核对 compare it"
    elif link.item in codes and codes[link.item].type != next(item.type for item in target.items if item.code == target_item):
        yield "LINK_TYPE", f"{path}.to", "两端类型不同 the two ends differ in type", ""
