"""What others took of a department's resources, as its steward reads it: their accesses to these resources, and nothing of what else they asked."""

from __future__ import annotations

import strawberry

from hub.api.bounds import bounds
from hub.api.context import Context
from hub.api.types import DateTime, PageInfo, page_size
from hub.ledger.entry import Entry
from hub.ledger.graphql import CallOutcome, Medium
from hub.ledger.matching import CallFilter
from hub.people.audit_graphql import LedgerAccess, access_of, said_by, where
from hub.reading.pages import read_page
from hub.reading.views import Scope, View
from hub.sharing.registry import Registry

Info = strawberry.Info[Context, None]


@strawberry.input(description="筛选条件，须同时满足\n\nConditions, all of which hold; of resource and item of one access together")
class ProvidedFilter:
    """``from`` is inclusive, ``to`` exclusive, ``lowest`` and ``highest`` are inclusive entry numbers. ``department`` is the consumer's."""

    from_: DateTime | None = strawberry.field(name="from", default=None)
    to: DateTime | None = None
    kind: list[str] | None = None
    operation: str | None = None
    application: str | None = None
    department: str | None = None
    resource: str | None = None
    item: str | None = None
    outcome: CallOutcome | None = None
    purpose: str | None = None
    scenario: str | None = None
    operator: str | None = None
    call: str | None = None
    lowest: strawberry.ID | None = None
    highest: strawberry.ID | None = None


@strawberry.type(description="对本部门资源的一次调用\n\nA call on resources of one's own department")
class ProvidedCall:
    """``application`` is the name, or the client id of one that is no more. ``code`` is left out where other departments' resources were asked too."""

    entry: strawberry.ID
    call: str
    at: DateTime
    kind: str
    application: str | None
    department: str | None
    operator: str | None
    purpose: str | None
    scenario: str | None
    basis: str | None
    operation: str | None
    medium: Medium | None
    outcome: CallOutcome
    code: str | None
    accesses: list[LedgerAccess]


@strawberry.type(description="对本部门资源的调用列表\n\nPage of calls on one's own department's resources")
class ProvidedConnection:
    """``searchedTo`` and ``archivedBefore`` as of the ledger."""

    nodes: list[ProvidedCall]
    page_info: PageInfo
    searched_to: strawberry.ID | None
    archived_before: strawberry.ID | None


@strawberry.type
class ProvidedQueries:
    """Calls on the own department's resources."""

    @strawberry.field(
        description="对本部门资源的调用，新者在前；审计管理员可指明提供部门 provider；一页至多检视两万条，searchedTo 非空时以 after 继续\n\n"
        "Calls on the own department's resources, newest first; the audit administrator may name another provider; a page looks at 20,000 entries at most and says so by searchedTo: go on with after"
    )
    async def provided_calls(self, info: Info, filter: ProvidedFilter | None = None, first: int | None = None, after: str | None = None) -> ProvidedConnection:
        size, registry = page_size(first), info.context.live.core.registry
        department = bounds(info.context, "providedCalls").department
        which = Scope(View.PROVIDED, department=department).filter(said_by(filter, registry))
        page = await read_page(info.context, "providedCalls", which, size, after)
        return ProvidedConnection(nodes=[_shown(each, which, registry) for each in page.entries], page_info=page.about, **where(page))


def _shown(entry: Entry, which: CallFilter, registry: Registry) -> ProvidedCall:
    content = entry.content
    own = [access for access in content.accesses if access.provider == which.provider]
    app = registry.application(content.application) if content.application else None
    return ProvidedCall(
        entry=strawberry.ID(str(entry.seq)),
        call=content.call,
        at=DateTime(content.at),
        kind=content.kind,
        application=app.name if app else content.application,
        department=content.department,
        operator=content.operator,
        purpose=content.purpose,
        scenario=content.scenario,
        basis=content.basis,
        operation=content.operation,
        medium=Medium(content.medium) if content.medium else None,
        outcome=CallOutcome(content.outcome),
        code=content.code if len(own) == len(content.accesses) else None,
        accesses=[access_of(access) for access in own],
    )
