"""``POST /exchanges/uploads``: a table of subjects and claims, to be verified row by row; ``DELETE`` takes one back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.rights import Operation
from hub.acts import make_id
from hub.api.context import Caller
from hub.api.entries import refusal_entry
from hub.api.identity import Identity
from hub.api.use import read_use
from hub.exchange.http import asked_of, fault_response
from hub.exchange.verifying.disposal import UploadDisposal, dispose
from hub.exchange.verifying.receiving import Slots, TooLarge, look, receive
from hub.exchange.verifying.store import KEPT, MOST_UPLOADS, TooMany, Upload, UploadStore
from hub.exchange.verifying.texts import CHARSETS
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import LedgerUnavailable
from hub.live import Live
from hub.store.base import now
from schema.faults import Code, Fault, Origin

MEDIA = {"text/csv": "CSV", "application/x-ndjson": "JSONL", "application/vnd.apache.parquet": "PARQUET", "application/vnd.apache.arrow.file": "ARROW"}
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
log = structlog.get_logger(__name__)


class _Unsupported(Fault):
    """HTTP status 415."""

    def __init__(self, zh: str, en: str) -> None:
        known = ", ".join(MEDIA)
        super().__init__(Code.BAD_INPUT, zh, en, f"可用：{known}；charset 为 utf-8 或 gb18030", f"on offer: {known}; charset utf-8 or gb18030")


@dataclass(frozen=True)
class UploadHttp:
    """Takes uploads of applications that may verify."""

    live: Live
    identity: Identity
    store: UploadStore
    slots: Slots
    disposal: UploadDisposal

    def routes(self) -> list[Route]:
        """The routes under ``/exchanges/uploads``."""
        return [
            Route("/exchanges/uploads", self._guarded(self._upload), methods=["POST"]),
            Route("/exchanges/uploads/{id}", self._guarded(self._delete), methods=["DELETE"]),
        ]

    def _guarded(self, serve: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            caller: Caller | None = None
            try:
                caller = await self.identity.caller(asked_of(request))
                caller = caller.using(read_use(request.headers))
                answer: Response = await serve(request, caller)
                return answer
            except Fault as fault:
                return await self._refused(request, caller, fault)
            except LedgerUnavailable:
                return fault_response(request, _unwritable())
            except ClientDisconnect:
                return Response(status_code=400)

        return endpoint

    async def _refused(self, request: Request, caller: Caller | None, fault: Fault) -> Response:
        core = self.live.core
        if caller is None or caller.application is None:
            core.log.rollup.refused(request.client.host if request.client else "", fault.code.value)
        else:
            try:
                await core.ledger.append(refusal_entry(make_id("call"), caller, fault.code.value, False, None, "upload", "FILE"))
            except LedgerUnavailable:
                fault = _unwritable()
        answer = fault_response(request, fault, self.identity)
        answer.status_code = 413 if isinstance(fault, TooLarge) else 415 if isinstance(fault, _Unsupported) else answer.status_code
        return answer

    async def _upload(self, request: Request, caller: Caller) -> Response:
        app, (format_, charset) = caller.identified(), _media(request)
        self._check(request, caller)
        with self.slots.slot(app.client_id):
            await self._check_room(app.client_id)
            upload = await self._taken(request, app.client_id, format_, charset)
            try:
                draft = self._entry(caller, "upload", upload)
                await self.live.core.ledger.append_with(draft, partial(self.store.add, upload=upload))
            except BaseException as fault:
                self.store.path(upload.id).unlink(missing_ok=True)
                if isinstance(fault, TooMany):
                    raise _too_many() from None
                raise
        shown = {"id": upload.id, "rows": upload.rows, "columns": upload.columns, "sha256": upload.sha256, "expiresAt": upload.expires_at.isoformat()}
        return JSONResponse({"upload": shown}, 201, _HEADERS)

    def _check(self, request: Request, caller: Caller) -> None:
        """What can be said before the body comes."""
        if not any(scope.startswith(f"{Operation.VERIFY.scope_prefix}:") for scope in caller.rights.scopes):
            zh, en = "令牌不含核验权限", "the token has no scope for verification"
            raise Fault(Code.FORBIDDEN, zh, en, "请以 requestAccess 申请核验", "apply for VERIFY by requestAccess")
        mib, declared = self.live.core.settings.upload_mib, request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > mib * 1024 * 1024:
            raise TooLarge(mib)
        if self.live.core.space.exchanges_refused:
            zh, en = "平台磁盘空间不足，暂不接收文件", "the hub's disk has no room for a file"
            raise Fault(Code.RATE_LIMITED, zh, en, "请稍后重试", "try again later", origin=Origin.HUB)

    async def _check_room(self, application: str) -> None:
        try:
            await to_thread.run_sync(self.store.check_room, application)
        except TooMany:
            # Those of verifications that have ended wait for the next sweep only. What cannot be deleted now takes its room still, and the sweep tells.
            with suppress(OSError):
                await self.disposal.dispose_due(application)
            try:
                await to_thread.run_sync(self.store.check_room, application)
            except TooMany:
                raise _too_many() from None

    async def _taken(self, request: Request, application: str, format_: str, charset: str) -> Upload:
        mib, identity, moment = self.live.core.settings.upload_mib, make_id("upload"), now()
        raw, rows = self.store.folder / f".{identity}.raw", self.store.folder / f".{identity}.rows"
        try:
            self.store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            size, digest = await receive(request.stream(), raw, mib)
            found = await to_thread.run_sync(look, format_, charset, raw, rows, mib, limiter=self.slots.looking)
            rows.rename(self.store.path(identity))
        except OSError as failure:
            log.error("upload_not_kept", fault=type(failure).__name__)
            raise Fault(Code.INTERNAL, "文件未能保存", "the file could not be kept", "请稍后重试", "try again later") from None
        finally:
            # Of what was sent nothing is kept but the rows.
            for path in (raw, rows):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        return Upload(identity, application, format_, size, found["rows"], digest, tuple(found["columns"]), moment, moment + KEPT)

    def _entry(self, caller: Caller, act: str, upload: Upload) -> EntryDraft:
        app, use = caller.identified(), caller.use
        return EntryDraft(
            kind="admin",
            call=make_id("call"),
            outcome="OK",
            operation=act,
            medium="FILE",
            application=app.client_id,
            department=app.department,
            operator=use.operator,
            case=use.case,
            purpose=use.purpose,
            rows=upload.rows,
            bytes=upload.bytes,
            details={"actor": app.name, "act": act, "target": upload.id, "sha256": upload.sha256},
        )

    async def _delete(self, request: Request, caller: Caller) -> Response:
        app, identity = caller.identified(), request.path_params["id"]
        upload = await to_thread.run_sync(self.store.of, identity, app.client_id)
        if upload is None:
            raise no_upload()
        if await to_thread.run_sync(self.store.taken, upload.id):
            raise Fault(Code.CONFLICT, "批量核验正在使用该文件", "an exchange uses the file", "请先取消该批量核验", "cancel the exchange first")
        await dispose(self.live.core.ledger, self.store, upload, self._entry(caller, "disposeUpload", upload))
        return Response(status_code=204, headers=_HEADERS)


def no_upload() -> Fault:
    """Somebody else's upload is as unknown as one that never was."""
    return Fault(
        Code.NOT_FOUND, "没有该上传文件", "there is no such upload", "请核对编号与令牌，或重新上传", "compare the id and the token, or upload it again"
    )


def _media(request: Request) -> tuple[str, str]:
    """Format and charset that the request declares."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise _Unsupported("不接受压缩的请求体", "compressed bodies are not taken")
    given = [part.strip() for part in request.headers.get("content-type", "").lower().split(";")]
    format_ = MEDIA.get(given[0])
    declared = dict(part.partition("=")[::2] for part in given[1:])
    charset = declared.get("charset", "").strip('" ')
    if format_ is None or (charset and (charset not in CHARSETS or (format_ != "CSV" and CHARSETS[charset] != CHARSETS["utf-8"]))):
        raise _Unsupported("不支持的 Content-Type", "the Content-Type is not taken")
    return format_, charset


def _too_many() -> Fault:
    zh, en = f"未处置的上传文件已有 {MOST_UPLOADS} 个", f"{MOST_UPLOADS} uploads of this application are not disposed of"
    return Fault(Code.RATE_LIMITED, zh, en, "请使用或删除其一", "use or delete one")


def _unwritable() -> Fault:
    return Fault(Code.LEDGER_UNAVAILABLE, "调用日志暂不可写", "the ledger cannot be written now", "请稍后重试", "try again later")
