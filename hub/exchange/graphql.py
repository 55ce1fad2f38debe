"""GraphQL face of batch exchange: start, watch, cancel."""

from __future__ import annotations

import json
from datetime import datetime
from enum import Enum
from typing import Any

import strawberry
from anyio import to_thread

from hub.acts import make_id
from hub.api.context import Context
from hub.api.types import JSON, BigInt, DateTime, PageInfo, page_size
from hub.api.use import check_documents, check_use
from hub.exchange.compiling import UTF_8, Compiled, input_digest
from hub.exchange.delivery.destinations import check_destination
from hub.exchange.delivery.graphql import Delivered
from hub.exchange.pace import pace_of
from hub.exchange.resting import policy_of
from hub.exchange.store import MOST_WAITING, Job, TooMany
from hub.exchange.work.task import EXTENSIONS
from hub.sharing.quota import check_quota, limited
from hub.store.base import now
from schema.faults import Code, Fault, Origin, bad_input

Info = strawberry.Info[Context, None]


@strawberry.enum(description="文件格式\n\nFile format")
class ExchangeFormat(Enum):
    """Formats of the contract; those on offer are named by the error of one that is not."""

    CSV = "CSV"
    JSONL = "JSONL"
    PARQUET = "PARQUET"
    ARROW = "ARROW"
    XLSX = "XLSX"


@strawberry.enum(description="CSV 文件的编码\n\nEncoding of CSV files")
class ExchangeEncoding(Enum):
    """``UTF_8`` has a byte order mark; characters that ``GB18030`` has not do not exist."""

    UTF_8 = UTF_8
    GB18030 = "GB18030"


@strawberry.enum(description="批量交换状态\n\nState of an exchange")
class ExchangeState(Enum):
    """States of a job."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


async def _seconds_left(root: Progress, info: Info) -> int | None:
    """Read when it is asked for."""
    return (await to_thread.run_sync(pace_of, info.context.live.core.engine, root.job)).seconds_left


@strawberry.type(description="进度\n\nProgress")
class Progress:
    """Rows and bytes written so far; ``rows_total`` is what was there at the beginning, null where the source could not count it in time."""

    job: strawberry.Private[Job]
    rows_done: BigInt
    rows_total: BigInt | None
    bytes: BigInt
    seconds_left: int | None = strawberry.field(
        resolver=_seconds_left, description="预计剩余秒数；无法估计时为空\n\nSeconds until the end, estimated; null while nobody can tell"
    )


@strawberry.type(description="文件\n\nFile")
class ExchangeFile:
    """One finished file."""

    name: str
    url: str
    rows: BigInt
    bytes: BigInt
    sha256: str


@strawberry.type(description="批量交换\n\nBatch exchange")
class Exchange(Delivered):
    """One job."""

    id: strawberry.ID
    state: ExchangeState
    reason: str | None
    format: ExchangeFormat
    created_at: DateTime
    finished_at: DateTime | None
    expires_at: DateTime | None
    progress: Progress
    files: list[ExchangeFile]
    manifest_url: str | None


@strawberry.type(description="批量交换列表\n\nPage of exchanges")
class ExchangeConnection:
    """A page of jobs, newest first."""

    nodes: list[Exchange]
    page_info: PageInfo


@strawberry.type
class StartExchangePayload:
    """Answer of ``startExchange``."""

    exchange: Exchange


@strawberry.type
class ExchangePayload:
    """Answer of ``cancelExchange``."""

    exchange: Exchange


@strawberry.input(description="批量交换：把一个查询文档运行到底\n\nA query document to be run to its end")
class StartExchangeInput:
    """Input of ``startExchange``. The same key with the same input answers with the job that it started."""

    document: str
    format: ExchangeFormat
    idempotency_key: str
    variables: JSON | None = None
    operation_name: str | None = None
    encoding: ExchangeEncoding | None = strawberry.field(
        default=None, description="CSV 文件的编码，默认 UTF_8（带 BOM）\n\nEncoding of CSV files; `UTF_8`, with a byte order mark, by default"
    )
    destination: str | None = strawberry.field(
        default=None, description="交付目标的代码，由平台管理员配置\n\nCode of the destination, among those that the hub's administrators configured"
    )


def exchange_of(job: Job) -> Exchange:
    """A job as its owner sees it."""
    done = job.state == "SUCCEEDED"
    base = f"/exchanges/{job.id}"
    files = [ExchangeFile(name=f.name, url=f"{base}/files/{f.name}", rows=BigInt(f.rows), bytes=BigInt(f.bytes), sha256=f.sha256) for f in job.files]
    return Exchange(
        id=strawberry.ID(job.id),
        state=ExchangeState(job.state),
        reason=job.reason,
        format=ExchangeFormat(job.format),
        created_at=DateTime(job.created_at),
        finished_at=DateTime(job.finished_at) if job.finished_at else None,
        expires_at=DateTime(job.expires_at) if job.expires_at else None,
        progress=Progress(
            job=job, rows_done=BigInt(job.rows_done), rows_total=None if job.rows_total is None else BigInt(job.rows_total), bytes=BigInt(job.bytes)
        ),
        files=files if done else [],
        manifest_url=f"{base}/manifest.json" if done else None,
    )


async def start_exchange(info: Info, given: StartExchangeInput) -> StartExchangePayload:
    """Checks the document as a query would be checked, stores the job and begins it."""
    context = info.context
    app = context.caller.identified()
    variables = _check(given)
    compiled = context.services.runner.compile(given.document, variables, given.operation_name, context.caller.rights)
    decisions = compiled.decisions
    check_use(context.caller.use, decisions)
    check_documents(decisions, compiled.export.plan.document)
    values = _values(context, given, variables, compiled) | {"application": app.client_id}
    # What has begun already needs neither room nor quota: it may be what used them up.
    job = await to_thread.run_sync(context.services.exchanges.started, app.client_id, given.idempotency_key)
    if job is None:
        job = await _begun(context, given, compiled, values)
    if job.input_sha256 != values["input_sha256"]:
        raise Fault(
            Code.CONFLICT,
            "该 idempotencyKey 已用于另一输入",
            "this idempotencyKey was used with another input",
            "请换用新的 idempotencyKey",
            "use a new idempotencyKey",
        )
    context.details.setdefault("exchanges", []).append(job.id)
    return StartExchangePayload(exchange=exchange_of(job))


async def _begun(context: Context, given: StartExchangeInput, compiled: Compiled, values: dict[str, Any]) -> Job:
    """A new job, where one may begin now; or that of another call with the same key, which was faster."""
    if given.destination is not None:
        app, columns = context.caller.identified(), [path for path, _ in compiled.export.columns]
        check_destination(context.services.destinations, given.destination, app, given.format.value, columns)
    if context.live.core.space.exchanges_refused:
        raise Fault(
            Code.RATE_LIMITED,
            "平台磁盘空间不足，暂不受理批量交换",
            "the hub's disk has no room for another exchange",
            "请稍后重试，或联系大数据主管部门",
            "try again later, or tell the administrators",
            origin=Origin.HUB,
        )
    await to_thread.run_sync(check_quota, context.live.core.engine, limited(compiled.decisions))
    job: Job
    try:
        job, is_new = await to_thread.run_sync(context.services.exchanges.add, values)
    except TooMany:
        raise Fault(
            Code.RATE_LIMITED,
            f"未完成的批量交换已有 {MOST_WAITING} 个",
            f"{MOST_WAITING} exchanges of this application are unfinished",
            "请等待其完成或取消其一",
            "wait until one ends, or cancel one",
        ) from None
    if is_new:
        context.services.runner.start(job.id)
    return job


def _check(given: StartExchangeInput) -> dict[str, Any]:
    if given.format.value not in EXTENSIONS:
        known = ", ".join(EXTENSIONS)
        raise bad_input(f"暂不提供格式 {given.format.value}", f"the format {given.format.value} is not on offer yet", f"可用：{known}", f"on offer: {known}")
    if given.encoding not in (None, ExchangeEncoding.UTF_8) and given.format is not ExchangeFormat.CSV:
        raise bad_input(
            f"encoding {given.encoding.name} 仅用于 CSV", f"the encoding {given.encoding.name} is for CSV alone", "请删去 encoding", "leave encoding out"
        )
    if not 0 < len(given.idempotency_key) <= 128 or "\0" in given.idempotency_key:
        raise bad_input("idempotencyKey 应为 1 至 128 个字符，不含 U+0000", "idempotencyKey must have 1 to 128 characters, none of them U+0000")
    variables: Any = given.variables if given.variables is not None else {}
    if not isinstance(variables, dict):
        raise bad_input("variables 应为对象", "variables must be an object")
    return variables


def _values(context: Context, given: StartExchangeInput, variables: dict[str, Any], compiled: Compiled) -> dict[str, Any]:
    use = context.caller.use
    return {
        "id": make_id("exchange"),
        "idempotency_key": given.idempotency_key,
        "input_sha256": input_digest(
            given.document, variables, given.operation_name, given.format.value, given.encoding.value if given.encoding else None, given.destination
        ),
        "document": given.document,
        "variables": json.dumps(variables, ensure_ascii=False),
        "operation_name": given.operation_name,
        "format": given.format.value,
        "encoding": given.encoding.value if given.encoding else UTF_8,
        "destination": given.destination,
        "scopes": " ".join(sorted(context.caller.rights.scopes)),
        "purpose": use.purpose,
        "operator": use.operator,
        "case_": use.case,
        "state": "QUEUED",
        "rows_done": 0,
        "bytes": 0,
        "plan": compiled.plan,
        "policy": policy_of(context.caller.rights, {face.resource.code for face in compiled.export.plan.faces.values()}),
        "snapshot": context.snapshot.number,
        "created_at": now(),
    }


async def resolve_exchange(info: Info, identity: str) -> Exchange | None:
    """One job of the caller's."""
    app = info.context.caller.identified()
    job = await to_thread.run_sync(lambda: info.context.services.exchanges.job(identity, app.client_id))
    return exchange_of(job) if job else None


async def resolve_exchanges(info: Info, state: ExchangeState | None, first: int | None, after: str | None) -> ExchangeConnection:
    """The caller's jobs, newest first."""
    context = info.context
    app = context.caller.identified()
    size = page_size(first)
    cursors = context.services.cursors
    binding = f"exchanges {app.client_id} {state}".encode()
    place: Any = cursors.open(binding, after) if after is not None else None
    before = (datetime.fromisoformat(place[0]), place[1]) if place else None
    wanted = state.value if state else None
    found = await to_thread.run_sync(lambda: context.services.exchanges.jobs(app.client_id, wanted, size + 1, before))
    page = found[:size]
    ends = [cursors.seal(binding, [job.created_at.isoformat(), job.id]) for job in (page[:1] + page[-1:])]
    about = PageInfo(
        has_next_page=len(found) > size,
        has_previous_page=after is not None,
        start_cursor=ends[0] if ends else None,
        end_cursor=ends[-1] if ends else None,
    )
    return ExchangeConnection(nodes=[exchange_of(job) for job in page], page_info=about)


async def cancel_exchange(info: Info, identity: str) -> ExchangePayload:
    """Cancels a job that has not ended; one that has stays as it is."""
    context = info.context
    app = context.caller.identified()
    store = context.services.exchanges
    job = await to_thread.run_sync(lambda: store.job(identity, app.client_id))
    if job is None:
        raise Fault(Code.NOT_FOUND, f"没有批量交换 {identity[:60]}", f"there is no exchange {identity[:60]}", "请核对编号", "compare the id")
    if await to_thread.run_sync(store.cancel, job.id):
        await context.services.runner.cancel(job.id)
        context.details.setdefault("cancelled", []).append(job.id)
    ended = await to_thread.run_sync(lambda: store.job(job.id))
    return ExchangePayload(exchange=exchange_of(ended))
