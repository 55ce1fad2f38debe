"""The catalog's GraphQL face: metadata of what may be asked for, never values or counts."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

import strawberry

from auth.rights import OpenClass, Operation, SharingClass, Shown
from hub.api.context import Context
from hub.api.types import DateTime, Department, PageInfo, cursor_of, number_behind, page_size
from hub.sharing.graphql import Grant, grants_of
from schema.model import Item, Resource, Snapshot

Info = strawberry.Info[Context, None]


@strawberry.enum(description="数据级别\n\nData level")
class DataLevel(Enum):
    """公开 or 内部; classified data never enters the hub."""

    PUBLIC = "PUBLIC"
    INTERNAL = "INTERNAL"


@strawberry.enum(description="信息项可见性：明文、脱敏、不可见\n\nHow an item is seen")
class ItemAccess(Enum):
    """What a caller sees of an item."""

    CLEAR = "CLEAR"
    MASKED = "MASKED"
    NONE = "NONE"


@strawberry.type(description="信息项\n\nItem of a resource")
class CatalogItem:
    """One item's metadata."""

    code: str
    name: str
    name_en: str | None
    type: str
    access: ItemAccess
    mask: str | None


@strawberry.type(description="调用方目前的权限\n\nWhat the caller has now")
class Access:
    """What the caller may do with a resource, and whether it may apply."""

    operations: list[Operation]
    grant: Grant | None
    requestable: bool


@strawberry.type(description="目录中的信息资源\n\nResource in the catalog")
class CatalogResource:
    """One resource's metadata."""

    code: str
    name: str
    name_en: str | None
    description: str | None
    provider: Department
    sharing_class: SharingClass
    open_class: OpenClass
    level: DataLevel
    update_cycle: str
    operations: list[Operation]
    as_of: DateTime | None
    legal_basis: list[str] | None
    items: list[CatalogItem]
    access: Access


@strawberry.type(description="目录条目与游标\n\nEdge of the catalog")
class CatalogEdge:
    """A resource with its cursor."""

    cursor: str
    node: CatalogResource


@strawberry.type(description="目录列表\n\nPage of the catalog")
class CatalogConnection:
    """A page of resources."""

    nodes: list[CatalogResource]
    edges: list[CatalogEdge]
    page_info: PageInfo
    total_count: int


def department_of(snapshot: Snapshot, code: str) -> Department:
    """The department of a code."""
    found = snapshot.departments[code]
    return Department(code=found.code, name=found.name, name_en=found.name_en or None)


def _shown(context: Context) -> Iterable[Resource]:
    """Resources of which the caller may know: all that are shared, or for the public all that are open (CLS-07)."""
    public = context.caller.rights.public
    for resource in context.snapshot.resources.values():
        if resource.sharing_class is SharingClass.NOT_SHARED:
            continue
        if not public or (resource.open_class is OpenClass.OPEN and resource.level == "PUBLIC"):
            yield resource


def _catalog_item(context: Context, resource: Resource, item: Item) -> CatalogItem:
    face = context.faces.face(resource.code)
    decided = face.decided(item.code) if face else None
    shown = {Shown.CLEAR: ItemAccess.CLEAR, Shown.MASKED: ItemAccess.MASKED}.get(decided.shown, ItemAccess.NONE) if decided else ItemAccess.NONE
    mask = decided.mask.label if decided and decided.mask else None
    return CatalogItem(code=item.code, name=item.name, name_en=item.name_en or None, type=item.kind.value, access=shown, mask=mask)


async def catalog_resource(context: Context, resource: Resource) -> CatalogResource:
    """The metadata of a resource as the caller sees it."""
    face = context.faces.face(resource.code)
    operations = sorted(face.decision.operations, key=list(Operation).index) if face else []
    grants = {grant.resource: grant for grant in await grants_of(context)}
    requestable = resource.sharing_class is SharingClass.CONDITIONAL and not context.caller.rights.public and resource.code not in grants
    kept = [item for item in resource.items.values() if item.sharing_class is not SharingClass.NOT_SHARED]
    return CatalogResource(
        code=resource.code,
        name=resource.name,
        name_en=resource.name_en or None,
        description=resource.description or None,
        provider=department_of(context.snapshot, resource.department),
        sharing_class=resource.sharing_class,
        open_class=resource.open_class,
        level=DataLevel(resource.level),
        update_cycle=resource.update_cycle,
        operations=sorted(resource.operations, key=list(Operation).index),
        as_of=None,
        legal_basis=list(resource.legal_basis) or None,
        items=[_catalog_item(context, resource, item) for item in kept],
        access=Access(operations=operations, grant=grants.get(resource.code), requestable=requestable),
    )


def _found(resource: Resource, search: str | None) -> bool:
    if not search:
        return True
    wanted = search.strip().casefold()
    texts: list[Any] = [resource.code, resource.name, resource.name_en, resource.description]
    texts += [text for item in resource.items.values() for text in (item.code, item.name, item.name_en)]
    return any(wanted in text.casefold() for text in texts)


async def resolve_catalog(
    info: Info,
    search: str | None = None,
    department: str | None = None,
    sharing_class: SharingClass | None = None,
    first: int | None = None,
    after: str | None = None,
) -> CatalogConnection:
    """A page of the catalog."""
    context = info.context
    size = page_size(first)
    found = sorted(
        (
            resource
            for resource in _shown(context)
            if _found(resource, search) and department in (None, resource.department) and sharing_class in (None, resource.sharing_class)
        ),
        key=lambda resource: resource.code,
    )
    cursors = context.services.cursors
    binding = f"catalog {context.caller.name} {search} {department} {sharing_class}"
    start = number_behind(cursors, binding, after) or 0
    page = found[start : start + size]
    nodes = [await catalog_resource(context, resource) for resource in page]
    edges = [CatalogEdge(cursor=cursor_of(cursors, binding, start + i + 1), node=node) for i, node in enumerate(nodes)]
    about = PageInfo(
        has_next_page=start + size < len(found),
        has_previous_page=start > 0,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return CatalogConnection(nodes=nodes, edges=edges, page_info=about, total_count=len(found))


async def resolve_resource(info: Info, code: str) -> CatalogResource | None:
    """One resource of the catalog; null where there is none that the caller may know of."""
    found = next((resource for resource in _shown(info.context) if resource.code == code), None)
    return await catalog_resource(info.context, found) if found else None
