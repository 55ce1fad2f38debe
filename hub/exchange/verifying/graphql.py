"""GraphQL face of batch verification: an upload and a document make a job, which is watched and cancelled like any exchange."""

from __future__ import annotations

import json
from typing import Any

import strawberry
from anyio import to_thread

from hub.acts import make_id
from hub.api.context import Context
from hub.exchange.compiling import UTF_8
from hub.exchange.delivery.destinations import check_destination
from hub.exchange.graphql import Exchange, ExchangeEncoding, ExchangeFormat, exchange_of
from hub.exchange.resting import policy_of
from hub.exchange.store import MOST_WAITING, TooMany, UploadGone, UploadUsed
from hub.exchange.verifying.documents import Compiled, check_table, input_digest
from hub.exchange.verifying.http import no_upload
from hub.exchange.verifying.layout import Layout
from hub.exchange.verifying.store import Upload
from hub.exchange.work.task import EXTENSIONS
from hub.sharing.quota import check_quota
from hub.sharing.registry import Application
from hub.store.base import now
from schema.faults import Code, Fault, Origin, bad_input

Info = strawberry.Info[Context, None]
_MOST_KEPT = 20


@strawberry.type
class StartVerificationPayload:
    """Answer of ``startVerification``."""

    exchange: Exchange


@strawberry.input(description="批量核验：对上传表格的每一行运行一次核验文档\n\nA verification document to be run for each row of an uploaded table")
class StartVerificationInput:
    """Input of ``startVerification``. The same key with the same input answers with the job that it started."""

    document: str
    upload: strawberry.ID
    format: ExchangeFormat
    idempotency_key: str
    operation_name: str | None = None
    keep: list[str] | None = None
    encoding: ExchangeEncoding | None = None
    destination: str | None = strawberry.field(
        default=None, description="交付目标的代码，由平台管理员配置\n\nCode of the destination, among those that the hub's administrators configured"
    )


async def start_verification(info: Info, given: StartVerificationInput) -> StartVerificationPayload:
    """Checks the document and the table, stores the job and begins it."""
    context = info.context
    app = context.caller.identified()
    _check(given)
    compiled = context.services.verifications.compile(given.document, given.operation_name, context.caller.rights)
    compiled.checks.purpose(context.caller.use, public=False)
    digest = input_digest(given.document, str(given.upload), given.format.value, given.operation_name, given.keep or (), _encoding(given), given.destination)
    known = await to_thread.run_sync(context.services.exchanges.started, app.client_id, given.idempotency_key)
    if known is None:
        # What has begun already needs neither room nor quota: it may be what used them up.
        await _check_room(context, compiled)
        values = _values(context, given, compiled, await _upload(context, given, compiled, app), digest)
        try:
            known, is_new = await to_thread.run_sync(context.services.exchanges.add, {**values, "application": app.client_id})
        except TooMany:
            zh, en = f"未完成的批量交换已有 {MOST_WAITING} 个", f"{MOST_WAITING} exchanges of this application are unfinished"
            raise Fault(Code.RATE_LIMITED, zh, en, "请等待其完成或取消其一", "wait until one ends, or cancel one") from None
        except UploadUsed:
            raise Fault(Code.CONFLICT, "该上传文件已用于另一批量核验", "the upload was used by another exchange", "请重新上传", "upload it again") from None
        except UploadGone:
            raise no_upload() from None
        if is_new:
            context.services.runner.start(known.id)
    if known.input_sha256 != digest:
        zh, en = "该 idempotencyKey 已用于另一输入", "this idempotencyKey was used with another input"
        raise Fault(Code.CONFLICT, zh, en, "请换用新的 idempotencyKey", "use a new idempotencyKey")
    context.details.setdefault("exchanges", []).append(known.id)
    return StartVerificationPayload(exchange=exchange_of(known))


async def _check_room(context: Context, compiled: Compiled) -> None:
    """That another job may begin now."""
    if context.live.core.space.exchanges_refused:
        zh, en = "平台磁盘空间不足，暂不受理批量核验", "the hub's disk has no room for another exchange"
        raise Fault(Code.RATE_LIMITED, zh, en, "请稍后重试", "try again later", origin=Origin.HUB)
    if compiled.checks.bounded:
        await to_thread.run_sync(check_quota, context.live.core.engine, compiled.checks.bounded)


def _check(given: StartVerificationInput) -> None:
    if given.format.value not in EXTENSIONS:
        known = ", ".join(EXTENSIONS)
        raise bad_input(f"不提供格式 {given.format.value}", f"the format {given.format.value} is not on offer", f"可用：{known}", f"on offer: {known}")
    if not 0 < len(given.idempotency_key) <= 128 or "\0" in given.idempotency_key:
        raise bad_input("idempotencyKey 应为 1 至 128 个字符，不含 U+0000", "idempotencyKey must have 1 to 128 characters, none of them U+0000")
    if _encoding(given) != UTF_8 and given.format is not ExchangeFormat.CSV:
        raise bad_input("encoding 仅用于 CSV", "an encoding is for CSV alone", "请删去 encoding", "leave encoding out")
    if len(given.keep or ()) > _MOST_KEPT:
        raise bad_input(f"keep 最多 {_MOST_KEPT} 列", f"keep names at most {_MOST_KEPT} columns")


def _encoding(given: StartVerificationInput) -> str:
    return given.encoding.value if given.encoding else UTF_8


async def _upload(context: Context, given: StartVerificationInput, compiled: Compiled, application: Application) -> Upload:
    upload: Upload | None = await to_thread.run_sync(context.services.uploads.of, str(given.upload), application.client_id)
    if upload is None:
        raise no_upload()
    keep = tuple(given.keep or ())
    check_table(compiled, upload.columns, keep)
    names = Layout(keep, compiled.claims, compiled.moment).names
    if twice := [name for name in keep if names.count(name) > 1]:
        shown = ", ".join(twice)
        raise bad_input(f"keep 中的列名与结果列重名：{shown}", f"columns kept are named like columns of outcomes: {shown}", "请改名", "rename them")
    if given.destination is not None:
        check_destination(context.services.destinations, given.destination, application, given.format.value, [(name,) for name in names])
    return upload


def _values(context: Context, given: StartVerificationInput, compiled: Compiled, upload: Upload, digest: str) -> dict[str, Any]:
    use, decision, face = context.caller.use, compiled.field.face.decision, compiled.field.face
    plan = {
        "operation": "VERIFY",
        "document": compiled.prepared.document.sha256,
        "resources": [face.resource.code],
        "columns": Layout(tuple(given.keep or ()), compiled.claims, compiled.moment).names,
        "decisions": {face.resource.code: decision.digest},
        "items": compiled.items,
        "upload": {"id": upload.id, "rows": upload.rows, "sha256": upload.sha256},
    }
    return {
        "id": make_id("exchange"),
        "kind": "VERIFICATION",
        "upload": upload.id,
        "idempotency_key": given.idempotency_key,
        "input_sha256": digest,
        "document": given.document,
        "variables": json.dumps({"upload": upload.id, "keep": given.keep or []}, ensure_ascii=False),
        "operation_name": given.operation_name,
        "format": given.format.value,
        "encoding": _encoding(given),
        "destination": given.destination,
        "scopes": " ".join(sorted(context.caller.rights.scopes)),
        "purpose": use.purpose,
        "operator": use.operator,
        "case_": use.case,
        "state": "QUEUED",
        "rows_done": 0,
        "rows_total": upload.rows,
        "bytes": 0,
        "plan": json.dumps(plan, ensure_ascii=False),
        "policy": policy_of(context.caller.rights, [face.resource.code]),
        "snapshot": context.snapshot.number,
        "created_at": now(),
    }
