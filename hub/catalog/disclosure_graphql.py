"""GraphQL face of the disclosure diff."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import strawberry
from anyio import to_thread
from sqlalchemy import Connection

from hub.api.bounds import bounds, count_reading
from hub.api.context import Context
from hub.api.plain import plain, refusing
from hub.api.types import DateTime
from hub.catalog.disclosure import Kind, Viewer
from hub.catalog.disclosure_report import Asked, Report, disclosure, of_grant
from hub.catalog.disclosure_types import DisclosureDiff, diff_of
from hub.people.permissions import Reach, reach
from hub.sharing.explain import resource_of
from hub.sharing.governance_inputs import CreateGrantInput
from hub.sharing.grants import read_terms, terms_from
from hub.sharing.live_grants import terms_text
from hub.store.engine import reading
from schema.faults import Code, Fault

Info = strawberry.Info[Context, None]


@strawberry.type
class DisclosureQueries:
    """Who newly sees what."""

    @strawberry.field(
        description="披露差异：两个目录版本、待发布的导入或两个时间的授权之间，谁多看到什么\n\n"
        "Who sees what otherwise between two versions of the catalog, with an import that waits, or between two moments of the grants"
    )
    async def disclosure_diff(
        self,
        info: Info,
        from_: Annotated[int | None, strawberry.argument(name="from")] = None,
        to: int | None = None,
        import_: Annotated[strawberry.ID | None, strawberry.argument(name="import")] = None,
        pending: bool = False,
        from_time: DateTime | None = None,
        to_time: DateTime | None = None,
    ) -> DisclosureDiff:
        number = _number(import_) if import_ is not None else None
        asked = Asked(from_, to, pending, number, _moment(from_time), _moment(to_time), _own(info.context, "disclosureDiff"))
        return diff_of(await _read(info.context, lambda connection: disclosure(connection, asked)))

    @strawberry.field(
        description="若登记此授权，应用将多看到什么；不登记任何内容\n\nWhat an application would see otherwise if it were given this grant; nothing is recorded"
    )
    async def grant_disclosure(self, info: Info, input: CreateGrantInput) -> DisclosureDiff:
        context = info.context
        app = context.live.core.registry.by_name(input.application)
        own = _own(context, "grantDisclosure")
        if own is not None and input.resource.partition(".")[0] != own:
            raise Fault(Code.FORBIDDEN, "仅限本部门的资源", "only for resources of the own department", "见 docs/roles.md", "see docs/roles.md")
        if app is None:
            message = input.application[:60]
            raise Fault(Code.NOT_FOUND, f"没有应用 {message}", f"no application {message}", "请核对代码", "compare the name")

        def work(connection: Connection) -> Report:
            resource = resource_of(context.snapshot, input.resource)
            terms = read_terms("new", resource.code, terms_text(terms_from(resource, plain(input))), input.approver)
            return of_grant(connection, resource, Viewer(Kind.APPLICATION.value, app.name, app.department), terms)

        return diff_of(await _read(context, work))


async def review_diff(context: Context, identity: str) -> DisclosureDiff | None:
    """The diff of an import, for whoever may see all of it."""
    if reach("disclosureDiff", context.caller.rights.scopes) is not Reach.ALL:
        return None
    asked = Asked(manifest=_number(identity))
    return diff_of(await _read(context, lambda connection: disclosure(connection, asked)))


def _own(context: Context, field: str) -> str | None:
    """The department to which the caller's roles limit it; ``None``: to none."""
    seen = bounds(context, field)
    return None if seen.reach is Reach.ALL else seen.department


async def _read(context: Context, work: Callable[[Connection], Report]) -> Report:
    count_reading(context)

    def read() -> Report:
        with reading(context.live.core.engine) as connection:
            return work(connection)

    return await refusing(to_thread.run_sync(read))


def _number(identity: str) -> int:
    return int(identity) if identity.isascii() and identity.isdigit() and len(identity) < 15 else 0


def _moment(given: object) -> datetime | None:
    return given if given is None or isinstance(given, datetime) else datetime.fromisoformat(str(given))
