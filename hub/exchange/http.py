"""HTTP face of batch exchange: files with ranges, the signed manifest, server-sent events. Each download is entered before its first byte."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.rights import Use
from hub.acts import make_id
from hub.api.admission import Admission
from hub.api.context import Caller
from hub.api.entries import refusal_entry
from hub.api.identity import Asked, Identity
from hub.api.turn import withheld
from hub.api.use import read_use
from hub.errors import STATUS, prefers_english, request_errors, status_of
from hub.exchange.delivery.graphql import delivery_event
from hub.exchange.delivery.store import DeliveryStore
from hub.exchange.downloads import MOST, MOST_EACH, Download, Events, Holding, check_place
from hub.exchange.entries import broken_entry
from hub.exchange.granted import leaving_entry, still_granted
from hub.exchange.manifest import entry_of, manifest_of
from hub.exchange.pace import pace_of
from hub.exchange.ranges import Part, part_of
from hub.exchange.runner import ExchangeRunner
from hub.exchange.store import ExchangeStore, FileRecord, Job
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import DataWithheld, LedgerUnavailable
from hub.live import Live
from schema.faces import Face
from schema.faults import Code, Fault

_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
}
_LOOK_SECONDS = 0.5
_END = "end"
"""Id of the event behind which no other comes."""
_QUIET_SECONDS = 15.0
"""A stream that tells nothing for so long shows that it lives: proxies cut connections that stand still, and who is gone without a word is found out."""
_ALIVE = b": \n\n"
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ExchangeHttp:
    """Serves what jobs left to their own application, and to nobody else."""

    live: Live
    identity: Identity
    store: ExchangeStore
    runner: ExchangeRunner
    deliveries: DeliveryStore
    places: Admission = field(default_factory=lambda: Admission(MOST, MOST_EACH))
    streams: Admission = field(default_factory=lambda: Admission(MOST, MOST_EACH))
    """Of events: each asks the control database twice a second."""

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
        faces, stands = self._still_granted(caller, job), self.identity.standing(request.headers)
        path = self.runner.folder(job.id) / file.name
        if not await to_thread.run_sync(path.is_file):
            raise _elsewhere()
        part = part_of(request.headers, f'"{file.sha256}"', file.bytes)
        place = check_place(self.places, caller.identified().client_id)
        try:
            # Nothing leaves without an entry.
            if request.method == "GET" and part.status in (200, 206):
                await self.live.core.ledger.append(self._download(caller, job, file, part, faces))
        except BaseException:
            place()
            raise
        holding = Holding(self.live, caller, lambda again: self._still_granted(again, job), job.expires_at, stands)
        return Download(path, part, _file_headers(job, file), holding, self._breaking(caller, job, file), place)

    def _breaking(self, caller: Caller, job: Job, file: FileRecord) -> Callable[[int], Awaitable[None]]:
        """Enters a download that was broken off: how much had left."""

        async def broken(sent: int) -> None:
            try:
                await self.live.core.ledger.append(broken_entry(job, caller.identified().department, file, sent))
            except LedgerUnavailable:
                log.warning("broken_download_not_entered", exchange=job.id)

        return broken

    def _still_granted(self, caller: Caller, job: Job) -> list[Face]:
        """A withdrawn resource, a revoked grant or tighter rights end downloads too (G3)."""
        return still_granted(self.live, caller.rights, job)

    def _download(self, caller: Caller, job: Job, file: FileRecord, part: Part, faces: list[Face]) -> EntryDraft:
        operator = caller.person.name if caller.person else job.operator
        use = caller.use if caller.use.purpose else Use(job.purpose, operator, job.case)
        details = {"file": file.name, **_told(part)}
        return leaving_entry(job, caller.identified(), use, faces, (part.share(file.rows), part.length), details)

    async def _manifest(self, _request: Request, caller: Caller, job: Job) -> Response:
        self._still_granted(caller, job)
        if job.state != "SUCCEEDED":
            raise Fault(Code.NOT_FOUND, "尚无清单", "there is no manifest", f"状态：{job.state}", f"the exchange is {job.state}")
        entry = await to_thread.run_sync(entry_of, job, self.live.core.engine)
        if entry is None:
            raise Fault(Code.NOT_FOUND, "清单尚未就绪，请于 2 秒后重试", "the manifest is not ready yet; try again in 2 seconds")
        return JSONResponse(await manifest_of(job, entry, self.live.core.log), headers=_HEADERS)

    async def _events(self, request: Request, caller: Caller, job: Job) -> Response:
        if request.headers.get("last-event-id") == _END:
            # An EventSource comes back whenever a stream ends, unless it is told by this status that there is no more.
            return Response(status_code=204, headers=_HEADERS)
        return Events(self._stream(request, job.id), _HEADERS, check_place(self.streams, caller.identified().client_id))

    async def _stream(self, request: Request, identity: str) -> AsyncIterator[bytes]:
        # A stream outlives neither its token's expiry nor its revocation.
        last, told = b"", time.monotonic()
        while not (self.live.draining or await request.is_disconnected()) and self.identity.holds(request.headers):
            job = await to_thread.run_sync(self.store.job, identity)
            if job is None:
                return
            delivery = await to_thread.run_sync(self.deliveries.delivery, identity)
            content: dict[str, Any] = {"state": job.state, "reason": job.reason, "rowsDone": job.rows_done, "rowsTotal": job.rows_total, "bytes": job.bytes}
            pace = await to_thread.run_sync(pace_of, self.live.core.engine, job)
            content |= {"chunksDone": pace.done, "chunks": pace.chunks, "secondsLeft": pace.seconds_left}
            content["delivery"] = delivery_event(delivery)
            ended = job.ended and (delivery is None or delivery.ended)
            event = (f"id: {_END}\n".encode() if ended else b"") + b"event: progress\ndata: " + orjson.dumps(content) + b"\n\n"
            if event != last or time.monotonic() - told >= _QUIET_SECONDS:
                yield event if event != last else _ALIVE
                last, told = event, time.monotonic()
            if ended:
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


def _file_headers(job: Job, file: FileRecord) -> dict[str, str]:
    """What is told of a file, whichever part of it is asked for. It never changes, and its digest is its entity tag."""
    media = _MEDIA[file.name.rpartition(".")[2]].replace("utf-8", job.encoding.lower())
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    return {
        **_HEADERS,
        "content-type": media,
        "content-disposition": f'attachment; filename="{file.name}"',
        "accept-ranges": "bytes",
        "etag": f'"{file.sha256}"',
        "repr-digest": f"sha-256=:{digest}:",
    }


def _told(part: Part) -> dict[str, Any]:
    """What an entry says of the part that leaves; ``resumed``: it does not begin with the file."""
    if part.status != 206:
        return {"range": None}
    return {"range": f"{part.start}-{part.end - 1}", "resumed": part.start > 0}
