"""The ledger as the audit administrator reads it: acts, refusals, alerts and calls, newest first."""

from __future__ import annotations

import strawberry
from anyio import to_thread
from sqlalchemy import Engine

from hub.api.context import Context
from hub.api.types import BigInt, DateTime, page_size
from hub.ledger.entry import Entry, Kind
from hub.ledger.reading import MAX_PAGE, CallFilter, calls

Info = strawberry.Info[Context, None]
_ACTS: tuple[Kind, ...] = ("admin", "deny", "rollup", "start", "stop", "key")
_CALLS: tuple[Kind, ...] = ("call", "exchange", "download")


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


@strawberry.type
class AuditQueries:
    """The ledger."""

    @strawberry.field(
        description="日志，新者在前；calls：数据调用，否则为管理操作与拒绝；alerts：仅近一千次拒绝中的告警\n\n"
        "The ledger, newest first; calls: of data, else acts and refusals; alerts: alone, among the last thousand refusals"
    )
    async def ledger(
        self, info: Info, calls: bool = False, alerts: bool = False, first: int | None = None, before: strawberry.ID | None = None
    ) -> list[LedgerEntry]:
        size, engine = page_size(first, 200), info.context.live.core.engine
        last = int(before) if before is not None and str(before).isdecimal() and len(str(before)) < 18 else None
        return [_shown(each) for each in await to_thread.run_sync(_read, engine, calls, alerts, size, last)]


def _read(engine: Engine, of_data: bool, alerts: bool, size: int, before: int | None) -> list[Entry]:
    with engine.connect() as connection:
        if not alerts:
            return calls(connection, CallFilter(kinds=_CALLS if of_data else _ACTS), size, before)
        refused = calls(connection, CallFilter(kinds=("deny", "admin"), outcome="REFUSED"), MAX_PAGE, before)
        return [each for each in refused if _detail(each, "alert") == "true"][:size]


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
    )
