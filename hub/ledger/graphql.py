"""The ledger's GraphQL face for callers: their own calls, with the seven fields of LOG-01."""

from __future__ import annotations

from enum import Enum

import strawberry

from auth.rights import Operation
from hub.api.context import Context
from hub.api.types import BigInt, DateTime, PageInfo, page_size
from hub.ledger.entry import Entry
from hub.reading.pages import read_page
from hub.reading.views import Scope, View

Info = strawberry.Info[Context, None]


@strawberry.enum(description="调用结果\n\nOutcome of a call")
class CallOutcome(Enum):
    """How a call ended."""

    OK = "OK"
    PARTIAL = "PARTIAL"
    REFUSED = "REFUSED"
    FAILED = "FAILED"


@strawberry.enum(description="介质类型：服务接口、库表、文件\n\nMedium")
class Medium(Enum):
    """介质类型 of LOG-01."""

    INTERFACE = "INTERFACE"
    TABLE = "TABLE"
    FILE = "FILE"


@strawberry.type(description="一次调用的日志\n\nOne call in the ledger")
class Call:
    """One call of the caller's."""

    id: strawberry.ID
    entry: strawberry.ID
    at: DateTime
    application: str
    operation: Operation
    resources: list[str]
    items: list[str]
    purpose: str | None
    operator: str | None
    approver: str | None
    medium: Medium
    rows: BigInt
    outcome: CallOutcome
    code: str | None


@strawberry.type(description="调用日志列表\n\nPage of calls")
class CallConnection:
    """A page of calls, newest first."""

    nodes: list[Call]
    page_info: PageInfo


_OPERATIONS = {"verify": Operation.VERIFY, "exchange": Operation.EXCHANGE}


def call_of(entry: Entry, name: str) -> Call:
    """A ledger entry as its caller sees it."""
    content = entry.content
    return Call(
        id=strawberry.ID(content.call),
        entry=strawberry.ID(str(entry.seq)),
        at=DateTime(content.at),
        application=name,
        operation=_OPERATIONS.get(content.operation or "", Operation.QUERY),
        resources=list(dict.fromkeys(access.resource for access in content.accesses)),
        items=list(dict.fromkeys(f"{access.resource}.{item.code}" for access in content.accesses for item in access.items)),
        purpose=content.purpose,
        operator=content.operator,
        approver=content.approver,
        medium=Medium(content.medium or "INTERFACE"),
        rows=BigInt(content.rows),
        outcome=CallOutcome(content.outcome),
        code=content.code,
    )


async def resolve_calls(
    info: Info,
    since: str | None,
    until: str | None,
    resource: str | None,
    outcome: CallOutcome | None,
    first: int | None,
    after: str | None,
) -> CallConnection:
    """The caller's own calls, newest first."""
    context = info.context
    app = context.caller.identified()
    size = page_size(first)
    said = {"from": since, "to": until, "resource": resource, "outcome": outcome.value if outcome else None}
    page = await read_page(context, "calls", Scope(View.OWN, application=app.client_id).filter(said), size, after)
    return CallConnection(nodes=[call_of(entry, app.name) for entry in page.entries], page_info=page.about)
