"""The ledger as the audit administrator reads it: everything, newest first, by any filter."""

from __future__ import annotations

from typing import Any

import strawberry

from hub.api.context import Context
from hub.api.plain import plain
from hub.api.types import BigInt, DateTime, PageInfo, page_size
from hub.ledger.entry import Access, Entry
from hub.ledger.graphql import CallOutcome
from hub.reading.pages import Page, read_page
from hub.reading.views import Scope, View
from hub.sharing.registry import Registry

Info = strawberry.Info[Context, None]


@strawberry.input(
    description="日志筛选条件，须同时满足；时间、序号见 lowest 与 highest\n\nConditions, all of which hold; of resource, provider and item of one access together"
)
class LedgerFilter:
    """``from`` is inclusive, ``to`` exclusive, ``lowest`` and ``highest`` are inclusive entry numbers. ``application`` is a name or a client id."""

    from_: DateTime | None = strawberry.field(name="from", default=None)
    to: DateTime | None = None
    kind: list[str] | None = None
    operation: str | None = None
    application: str | None = None
    department: str | None = None
    provider: str | None = None
    resource: str | None = None
    item: str | None = None
    outcome: CallOutcome | None = None
    code: str | None = None
    purpose: str | None = None
    scenario: str | None = None
    operator: str | None = None
    case: str | None = None
    call: str | None = None
    trace: str | None = None
    lowest: strawberry.ID | None = None
    highest: strawberry.ID | None = None
    alerts: bool | None = None


@strawberry.type(description="使用信息项：clear 原值、masked 脱敏、key 查询键、match 比对、aggregate 统计\n\nAn item and how it was used")
class UsedItem:
    """``mask`` stands with masked items: its label and version."""

    code: str
    shown: str
    mask: str | None


@strawberry.type(description="对一个资源的使用\n\nWhat was taken of one resource")
class LedgerAccess:
    """Subjects are not shown; they are traced by an act of its own."""

    resource: str
    provider: str
    items: list[UsedItem]
    rows: BigInt
    grant: str | None
    approver: str | None


@strawberry.type(description="日志条目\n\nEntry of the ledger")
class LedgerEntry:
    """``alert``: an administrator tried what the role does not give. ``act`` and ``target`` stand with administrative acts."""

    entry: strawberry.ID
    at: DateTime
    kind: str
    call: str
    outcome: str
    code: str | None
    alert: bool
    actor: str | None
    act: str | None
    target: str | None
    operator: str | None
    department: str | None
    application: str | None
    address: str | None
    purpose: str | None
    resources: list[str]
    rows: BigInt
    operation: str | None
    medium: str | None
    case: str | None
    scenario: str | None
    basis: str | None
    approver: str | None
    bytes: BigInt
    ms: int | None
    trace: str | None
    accesses: list[LedgerAccess]


@strawberry.type(description="日志条目列表\n\nPage of the ledger")
class LedgerConnection:
    """``searchedTo``: the page is short because so many entries were looked at; the search goes on behind this entry with ``after``.

    ``archivedBefore``: entries with smaller numbers are in the archive alone.
    """

    nodes: list[LedgerEntry]
    page_info: PageInfo
    searched_to: strawberry.ID | None
    archived_before: strawberry.ID | None


@strawberry.type
class AuditQueries:
    """The ledger."""

    @strawberry.field(
        description="日志，新者在前；一页至多检视两万条，searchedTo 非空时以 after 继续\n\n"
        "The ledger, newest first; a page looks at 20,000 entries at most and says so by searchedTo: go on with after"
    )
    async def ledger(self, info: Info, filter: LedgerFilter | None = None, first: int | None = None, after: str | None = None) -> LedgerConnection:
        size = page_size(first)
        which = Scope(View.ALL).filter(said_by(filter, info.context.live.core.registry))
        page = await read_page(info.context, "ledger", which, size, after)
        return LedgerConnection(nodes=[_shown(each) for each in page.entries], page_info=page.about, **where(page))


def said_by(given: Any, registry: Registry) -> dict[str, Any]:
    """A filter input in the words of ``Scope.filter``."""
    said = plain(given) if given is not None else {}
    if "from_" in said:
        said["from"] = said.pop("from_")
    if name := said.get("application"):
        app = registry.by_name(name)
        said["application"] = app.client_id if app else name
    if said.get("alerts") is False:
        del said["alerts"]
    return said


def where(page: Page) -> dict[str, Any]:
    """How far the search came, and where the archive begins."""
    return {
        "searched_to": None if page.onward is None else strawberry.ID(str(page.onward)),
        "archived_before": strawberry.ID(str(page.extent.first)) if page.extent.first else None,
    }


def access_of(access: Access) -> LedgerAccess:
    """An access as it is shown."""
    items = [UsedItem(code=item.code, shown=item.shown, mask=item.mask) for item in access.items]
    return LedgerAccess(resource=access.resource, provider=access.provider, items=items, rows=BigInt(access.rows), grant=access.grant, approver=access.approver)


def _detail(entry: Entry, name: str) -> str | None:
    value = (entry.content.details or {}).get(name)
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _shown(entry: Entry) -> LedgerEntry:
    content = entry.content
    return LedgerEntry(
        entry=strawberry.ID(str(entry.seq)),
        at=DateTime(content.at),
        kind=content.kind,
        call=content.call,
        outcome=content.outcome,
        code=content.code,
        alert=_detail(entry, "alert") == "true",
        actor=_detail(entry, "actor"),
        act=_detail(entry, "act"),
        target=_detail(entry, "target"),
        operator=content.operator,
        department=content.department,
        application=content.application,
        address=content.address,
        purpose=content.purpose,
        resources=list(dict.fromkeys(access.resource for access in content.accesses)),
        rows=BigInt(content.rows),
        operation=content.operation,
        medium=content.medium,
        case=content.case,
        scenario=content.scenario,
        basis=content.basis,
        approver=content.approver,
        bytes=BigInt(content.bytes),
        ms=content.ms,
        trace=content.trace,
        accesses=[access_of(access) for access in content.accesses],
    )
