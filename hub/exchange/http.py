"""HTTP face of batch exchange: files with ranges, the signed manifest, server-sent events. Each download is entered before its first byte."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from auth.rights import Operation, Use
from hub.acts import make_id
from hub.api.context import Caller
from hub.api.entries import refusal_entry
from hub.api.identity import Asked, Identity
from hub.api.turn import withheld
from hub.api.use import check_use, read_use
from hub.errors import STATUS, prefers_english, request_errors, status_of
from hub.exchange.downloads import Download, Holding
from hub.exchange.entries import broken_entry
from hub.exchange.runner import ExchangeRunner
from hub.exchange.store import ExchangeStore, FileRecord, Job
from hub.ledger.entry import Access, EntryDraft, Item
from hub.ledger.errors import DataWithheld, LedgerUnavailable
from hub.live import Live
from hub.withdrawal.telling import gone
from schema.faces import Face
from schema.faults import Code, Fault

_MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_LOOK_SECONDS = 0.5
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ExchangeHttp:
    """Serves what jobs left to their own application, and to nobody else."""

    live: Live
    identity: Identity
    store: ExchangeStore
    runner: ExchangeRunner

    def routes(self) -> list[Route]:
        """The routes under ``/exchanges``."""
        return [
            Route("/exchanges/{id}/files/{name}", self._guarded(self._file), methods=["GET"]),
            Route("/exchanges/{id}/manifest.json", self._guarded(self._manifest), methods=["GET"]),
            Route("/exchanges/{id}/events", self._guarded(self._events), methods=["GET"]),
        ]

    def _guarded(self, serve: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            caller: Caller | None = None
            try:
                caller = await self.identity.caller(asked_of(request))
                caller = caller.using(read_use(request.headers))
                job = await self._job(caller, request.path_params["id"])
                answer: Response = await serve(request, caller, job)
                return answer
            except Fault as fault:
                return await self._refused(request, caller, fault)
            except DataWithheld:
                return await self._refused(request, caller, withheld())
            except LedgerUnavailable:
                return fault_response(request, Fault(Code.LEDGER_UNAVAILABLE, "调用日志暂不可写", "the ledger cannot be written now"))

        return endpoint

    async def _refused(self, request: Request, caller: Caller | None, fault: Fault) -> Response:
        """A refusal, entered like every other one."""
        log = self.live.core.log
        if caller is None or caller.application is None:
            log.rollup.refused(request.client.host if request.client else "", fault.code.value)
            return fault_response(request, fault, self.identity)
        try:
            await log.ledger.append(refusal_entry(make_id("call"), caller, fault.code.value, False, None, "exchange", "FILE"))
        except LedgerUnavailable:
            return fault_response(request, Fault(Code.LEDGER_UNAVAILABLE, "调用日志暂不可写", "the ledger cannot be written now"))
        return fault_response(request, fault, self.identity)

    async def _job(self, caller: Caller, identity: str) -> Job:
        app = caller.identified()
        job = await to_thread.run_sync(lambda: self.store.job(identity, app.client_id))
        if job is None:
            raise Fault(Code.NOT_FOUND, "没有该批量交换", "there is no such exchange", "请核对编号与令牌", "compare the id, and the token's application")
        return job

    async def _file(self, request: Request, caller: Caller, job: Job) -> Response:
        file = next((file for file in job.files if file.name == request.path_params["name"]), None)
        if file is None or job.state != "SUCCEEDED":
            raise Fault(Code.NOT_FOUND, "没有该文件", "there is no such file", f"状态：{job.state}", f"the exchange is {job.state}")
        faces = self._still_granted(caller, job)
        path = self.runner.folder(job.id) / file.name
        if not await to_thread.run_sync(path.is_file):
            raise _elsewhere()
        await self.live.core.ledger.append(self._download(caller, job, file, request.headers.get("range"), faces))
        media = _MEDIA[file.name.rpartition(".")[2]]
        headers = {**_HEADERS, "repr-digest": f"sha-256=:{_digest(file.sha256)}:"}
        holding = Holding(self.live, caller, lambda again: self._still_granted(again, job))
        return Download(path, holding, self._breaking(caller, job, file), media_type=media, filename=file.name, headers=headers)

    def _breaking(self, caller: Caller, job: Job, file: FileRecord) -> Callable[[int], Awaitable[None]]:
        """Enters a download that was broken off: how much had left."""

        async def broken(sent: int) -> None:
            try:
                await self.live.core.ledger.append(broken_entry(job, caller.identified().department, file, sent))
            except LedgerUnavailable:
                log.warning("broken_download_not_entered", exchange=job.id)

        return broken

    def _still_granted(self, caller: Caller, job: Job) -> list[Face]:
        """The faces of what the job carried. A withdrawn resource, a revoked grant or tighter rights end downloads too (G3)."""
        faces, plan = self.live.view(caller.rights).faces, json.loads(job.plan)
        if codes := faces.snapshot.withdrawn.intersection(plan["resources"]):
            raise gone(codes)
        found = [face for code in plan["resources"] if (face := faces.face(code))]
        same = all(face.decision.digest == plan["decisions"][face.resource.code] for face in found)
        if len(found) < len(plan["resources"]) or not same or not all(face.decision.allows(Operation.EXCHANGE) for face in found):
            raise Fault(
                Code.FORBIDDEN,
                "授权已变更或撤销，假名密钥已轮换，或令牌无此权限",
                "the grant was changed or revoked, the pseudonyms' key was rotated, or the token lacks the scope",
                "请重新发起批量交换",
                "start a new exchange",
            )
        return found

    def _download(self, caller: Caller, job: Job, file: FileRecord, range_: str | None, faces: list[Face]) -> EntryDraft:
        app = caller.identified()
        operator = caller.person.name if caller.person else job.operator
        use = caller.use if caller.use.purpose else Use(job.purpose, operator, job.case)
        purpose = check_use(use, [face.decision for face in faces])
        shown = json.loads(job.plan)["items"]
        accesses = tuple(
            Access(
                face.resource.code,
                face.resource.department,
                face.resource.source,
                tuple(Item(*item) for item in shown[face.resource.code]),
                grant=face.decision.grant,
                approver=face.decision.approver,
                policy=job.policy,
            )
            for face in faces
        )
        return EntryDraft(
            kind="download",
            call=make_id("call"),
            outcome="OK",
            operation="exchange",
            medium="FILE",
            application=app.client_id,
            department=app.department,
            operator=use.operator,
            case=use.case,
            purpose=use.purpose,
            scenario=purpose.scenario if purpose else None,
            basis=purpose.basis if purpose else None,
            approver="; ".join(dict.fromkeys(face.decision.approver for face in faces)) or None,
            accesses=accesses,
            rows=file.rows,
            bytes=file.bytes,
            details={"exchange": job.id, "file": file.name, "range": (range_ or "")[:60] or None},
        )

    async def _manifest(self, _request: Request, caller: Caller, job: Job) -> Response:
        self._still_granted(caller, job)
        if job.state != "SUCCEEDED":
            raise Fault(Code.NOT_FOUND, "尚无清单", "there is no manifest", f"状态：{job.state}", f"the exchange is {job.state}")
        return JSONResponse(self.manifest(job), headers=_HEADERS)

    def manifest(self, job: Job) -> dict[str, Any]:
        """The manifest; ``signature`` is the ledger key's over the canonical JSON (sorted keys) of all else."""
        times = {"createdAt": job.created_at.isoformat(), "finishedAt": job.finished_at.isoformat() if job.finished_at else None}
        content: dict[str, Any] = {
            "exchange": job.id,
            "plan": json.loads(job.plan),
            "policy": job.policy,
            "source_snapshot": {"catalog": job.snapshot, **times},
            "files": [{"name": f.name, "rows": f.rows, "bytes": f.bytes, "sha256": f.sha256} for f in job.files],
            "ledger": {"entry": str(job.entry)},
        }
        signer = self.live.core.log.signer
        signature = signer.sign(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
        return {**content, "signature": {"key": signer.key_id, "algorithm": signer.algorithm, "value": base64.b64encode(signature).decode()}}

    async def _events(self, request: Request, _caller: Caller, job: Job) -> Response:
        return StreamingResponse(self._stream(request, job.id), media_type="text/event-stream", headers=_HEADERS)

    async def _stream(self, request: Request, identity: str) -> AsyncIterator[bytes]:
        # A stream outlives neither its token's expiry nor its revocation.
        last = b""
        while not (self.live.draining or await request.is_disconnected()) and self.identity.holds(request.headers):
            job = await to_thread.run_sync(self.store.job, identity)
            if job is None:
                return
            content = {"state": job.state, "reason": job.reason, "rowsDone": job.rows_done, "rowsTotal": job.rows_total, "bytes": job.bytes}
            event = b"event: progress\ndata: " + orjson.dumps(content) + b"\n\n"
            if event != last:
                yield event
                last = event
            if job.ended:
                return
            await asyncio.sleep(_LOOK_SECONDS)


def asked_of(request: Request) -> Asked:
    """What of a request says who calls."""
    return Asked(request.headers, request.method, request.scope["path"])


def fault_response(request: Request, fault: Fault, identity: Identity | None = None) -> Response:
    """A fault outside GraphQL, in the same shape as a GraphQL error. ``identity`` words the challenge."""
    english = prefers_english(request.headers.get("accept-language", ""))
    headers = dict(_HEADERS)
    if identity is not None:
        headers |= identity.challenge(fault, request.headers)
    if STATUS[fault.code] in (429, 503):
        headers["retry-after"] = str(fault.retry_after or 1)
    return JSONResponse({"errors": request_errors(fault, make_id("call"), english)}, status_of(fault.code, False), headers)


def _elsewhere() -> Fault:
    return Fault(
        Code.NOT_FOUND,
        "文件不在本节点",
        "the file does not lie with this node",
        "请平台管理员让各节点共用 exchange 目录",
        "the hub's administrator lets all nodes share the directory exchange",
    )


def _digest(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
