"""Tracing on the governance endpoint: questions of the audit administrator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import strawberry
from anyio import to_thread

from hub.acts import Actor
from hub.api.context import Context
from hub.api.types import DateTime, page_size
from hub.catalog.problems import Refused
from hub.tracing.graphql_types import GrantLife, Trace, life_as_told, trace_as_told
from hub.tracing.resolving import Resolver
from hub.tracing.search import Bounds
from hub.tracing.service import Traced, TraceService
from schema.faults import Code, Fault

Info = strawberry.Info[Context, None]
T = TypeVar("T")
From = Annotated[DateTime | None, strawberry.argument(name="from")]


@strawberry.type
class TracingQueries:
    """``traceSubject``, ``traceRecord`` and ``traceGrant``."""

    @strawberry.field(
        description="追溯：按标识查谁查看过此人（或此机构），含查询、核验、批量交换及其下载；标识值只作比对，日志只记其带密钥的哈希。askSources：并请数据源给出该标识现对应的主键\n\n"
        "Who looked at this person or organisation: queries, verifications, exchanges and their downloads. The value is compared alone; the ledger gets its keyed hash. "
        "askSources: sources are asked for the stable keys that the identifier has now"
    )
    async def trace_subject(
        self,
        info: Info,
        kind: str,
        value: str,
        resource: str | None = None,
        from_: From = None,
        to: DateTime | None = None,
        ask_sources: bool = False,
        first: int | None = None,
        after: strawberry.ID | None = None,
    ) -> Trace:
        live, service = info.context.live, _service(info)
        snapshot, size, bounds = live.snapshot, page_size(first), _bounds(resource, from_, to, after)
        wanted = await _asked(info, lambda actor: service.ask_subject(actor, snapshot, kind, value, resource, ask_sources))
        resolver = Resolver(live.sources.source, snapshot, service.subjects)
        keys = await resolver.hashes(wanted, resource) if ask_sources else []
        found = await to_thread.run_sync(service.answer, wanted, bounds, size, keys)
        return trace_as_told(resolver.noted(found))

    @strawberry.field(
        description="追溯：按资源的主键查谁取用过这一行\n\nWho took this row, by its resource and stable key",
    )
    async def trace_record(
        self,
        info: Info,
        resource: str,
        key: str,
        from_: From = None,
        to: DateTime | None = None,
        first: int | None = None,
        after: strawberry.ID | None = None,
    ) -> Trace:
        service, snapshot, size = _service(info), info.context.live.snapshot, page_size(first)
        bounds = _bounds(resource, from_, to, after)
        wanted = await _asked(info, lambda actor: service.ask_record(actor, snapshot, resource, key))
        found: Traced = await to_thread.run_sync(service.answer, wanted, bounds, size)
        return trace_as_told(found)

    @strawberry.field(
        description="全过程：由申请或授权编号查其办理步骤、授权、调用、批量交换与处置\n\n"
        "From the number of a request or grant: its steps, its calls, exchanges and their copies, its disposal"
    )
    async def trace_grant(
        self, info: Info, number: Annotated[strawberry.ID, strawberry.argument(name="id")], first: int | None = None, after: strawberry.ID | None = None
    ) -> GrantLife:
        service, size, before = _service(info), page_size(first), _number(after)
        return life_as_told(await _asked(info, lambda actor: service.life(actor, str(number), size, before)))


def _service(info: Info) -> TraceService:
    core = info.context.live.core
    return TraceService(core.engine, core.acts, core.subjects)


async def _asked(info: Info, question: Callable[[Actor], T]) -> T:
    """Asks in a worker thread; a refusal is a fault of the field."""
    try:
        return await to_thread.run_sync(question, info.context.caller.actor())
    except Refused as refused:
        first = refused.problems[0]
        code = {"FORBIDDEN": Code.FORBIDDEN, "NOT_FOUND": Code.NOT_FOUND}.get(first.code, Code.BAD_INPUT)
        raise Fault(code, f"{first.path}：{first.message}", f"{first.path}: {first.message}", first.hint, first.hint) from None


def _bounds(resource: str | None, since: Any, until: Any, after: str | None) -> Bounds:
    return Bounds(resource, _moment(since), _moment(until), _number(after))


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _number(after: str | None) -> int | None:
    """An entry's number; whatever else is given leads behind the last one."""
    if after is None:
        return None
    return int(after) if after.isascii() and after.isdecimal() and len(after) < 18 else 0
