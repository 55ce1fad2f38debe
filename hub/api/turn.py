"""One call from its beginning to its answer: identified, admitted, answered within its time, entered in the ledger, and only then sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from connectors.calling import CALLING, Calling
from hub.acts import make_id
from hub.api.admission import Admission, PublicPace
from hub.api.calling import hand_on, new_traceparent, traceparent
from hub.api.context import Caller
from hub.api.deadline import Within
from hub.api.entries import asked_of, operation_of, refusal_entry
from hub.api.http import HttpAnswer, HttpRequest
from hub.api.identity import Asked, Identity
from hub.api.long import Long
from hub.errors import STATUS, internal, request_errors, status_of
from hub.ledger.append import Ledger
from hub.ledger.entry import EntryDraft, Json
from hub.ledger.errors import DataWithheld, EntryRejected, LedgerUnavailable
from hub.ledger.receipt import Receipt
from hub.ledger.rollup import Rollup
from hub.observation import places
from schema.faults import Code, Fault, Origin
from schema.plan import Plan

log = structlog.get_logger(__name__)


@dataclass
class Turn:
    """A call under way. ``document`` is the hash of its text once it is read."""

    call: str
    request: HttpRequest
    english: bool
    caller: Caller | None = None
    document: str | None = None
    details: dict[str, Json] | None = None
    """What the entry of a refusal says besides."""
    plan: Plan | None = None
    """What the document reads, once it is known: whoever provides it is told of refusals too."""


Answering = Callable[[Turn, Caller], Awaitable[HttpAnswer]]


class Turns:
    """Takes calls of one endpoint; ``answering`` does what is particular to it. ``hub`` is this hub's number among others."""

    def __init__(
        self,
        identity: Identity,
        admission: Admission,
        pace: PublicPace,
        ledger: Ledger,
        rollup: Rollup,
        hub: str,
        seconds: float,
        answering: Answering,
    ) -> None:
        self._identity = identity
        self._admission = admission
        self._pace = pace
        self._ledger = ledger
        self._rollup = rollup
        self._hub = hub
        self._seconds = seconds
        self._answering = answering

    async def take(self, request: HttpRequest) -> HttpAnswer:
        """The answer to a request that could be read."""
        turn = Turn(make_id("call"), request, request.envelope.english)
        due = asyncio.get_running_loop().time() + self._seconds
        trace = traceparent(request.headers) if b"traceparent" in request.own else new_traceparent()
        calling = Calling(turn.call, trace=trace, deadline=due)
        CALLING.set(calling)
        try:
            return await self._answer(turn, calling, due)
        except Fault as fault:
            return await self._refused(turn, fault)
        except DataWithheld:
            return await self._refused(turn, withheld())
        except LedgerUnavailable:
            return self._body(turn, ledger_unavailable(), None)
        except asyncio.CancelledError:
            await asyncio.shield(self._aborted(turn))
            raise
        except Exception as failure:  # noqa: BLE001 - whatever fails, the caller gets a GraphQL answer and the ledger its entry
            log.error("call_failed", call=turn.call, fault=type(failure).__name__, places=places(failure))
            return await self._refused(turn, internal())

    async def refuse(self, request: HttpRequest, fault: Fault, status: int) -> HttpAnswer:
        """The answer to a request whose envelope is refused."""
        turn = Turn(make_id("call"), request, request.envelope.english)
        self._rollup.refused(request.address, fault.code.value)
        answer = self._body(turn, fault, None)
        answer.status = status
        if status == 405:
            answer.headers["allow"] = "POST"
        return answer

    async def _answer(self, turn: Turn, calling: Calling, due: float) -> HttpAnswer:
        request = turn.request
        caller = turn.caller = self._identity.recalled(request.own.get(b"authorization")) or await self._identity.caller(
            Asked(request.headers, request.method, request.path)
        )
        caller = turn.caller = caller.using(request.envelope.use)
        name = calling.caller = caller.name if caller.application else f"public {request.address}"
        hand_on(calling, caller.use, request.envelope.before, self._hub)
        if caller.application is None:
            self._pace.take(request.address)
        self._admission.enter(name)
        try:
            with Within(due):
                return await self._answering(turn, caller)
        except TimeoutError:
            zh, en = "请缩小查询或改用批量交换", "ask for less, or use startExchange"
            raise Fault(Code.TIMEOUT, "调用超时", "the call took too long", zh, en, origin=Origin.HUB) from None
        finally:
            self._admission.leave(name)

    async def _refused(self, turn: Turn, fault: Fault) -> HttpAnswer:
        receipt = None
        if turn.caller is None or turn.caller.application is None:
            self._rollup.refused(turn.request.address, fault.code.value)
        else:
            failed = fault.code in (Code.INTERNAL, Code.TIMEOUT, Code.SOURCE_UNAVAILABLE)
            try:
                receipt = await self._entered(turn, turn.caller, fault.code.value, failed)
            except LedgerUnavailable:
                return self._body(turn, ledger_unavailable(), None)
        return self._body(turn, fault, receipt)

    async def _entered(self, turn: Turn, caller: Caller, code: str, failed: bool) -> Receipt:
        try:
            return await self._ledger.append(self._draft(turn, caller, code, failed))
        except EntryRejected as rejected:
            # What rights say of a resource may be what no entry holds; that a call failed is entered without it.
            log.error("entry_rejected", call=turn.call, reason=str(rejected))
            return await self._ledger.append(refusal_entry(turn.call, caller, code, failed, turn.document))

    async def _aborted(self, turn: Turn) -> None:
        if turn.caller is not None and turn.caller.application is not None:
            try:
                await self._entered(turn, turn.caller, "ABORTED", True)
            except LedgerUnavailable:
                log.warning("aborted_call_not_entered", call=turn.call)

    @staticmethod
    def _draft(turn: Turn, caller: Caller, code: str, failed: bool) -> EntryDraft:
        plan = turn.plan if turn.plan is not None and turn.plan.faces else None
        operation = operation_of(plan) if plan else None
        accesses = asked_of(plan, caller.rights.fingerprint) if plan else ()
        return refusal_entry(turn.call, caller, code, failed, turn.document, operation, details=turn.details, accesses=accesses)

    def _body(self, turn: Turn, fault: Fault, receipt: Receipt | None) -> HttpAnswer:
        content: dict[str, Any] = {"errors": request_errors(fault, turn.call, turn.english)}
        if receipt is not None:
            content["extensions"] = {"receipt": receipt.as_json()}
        answer = HttpAnswer(status_of(fault.code, turn.request.legacy), orjson.dumps(content), {"content-language": "en" if turn.english else "zh-CN"})
        answer.headers |= self._identity.challenge(fault, turn.request.headers)
        if STATUS[fault.code] in (429, 503):
            answer.headers["retry-after"] = str(fault.retry_after or 1)
        return answer


def ledger_unavailable() -> Fault:
    """No entry, no data."""
    return Fault(
        Code.LEDGER_UNAVAILABLE,
        "调用日志暂不可写，不提供数据",
        "the ledger cannot be written now; without an entry no data leaves",
        "请稍后重试",
        "try again later",
    )


def withheld() -> Fault:
    """The ledger has gone unwitnessed for too long."""
    return Fault(
        Code.LEDGER_UNAVAILABLE,
        "日志检查点逾期未获见证副署，暂停提供数据",
        "no witness has cosigned the ledger for too long; no data leaves until one does",
        "请稍后重试；平台管理员请检查见证服务",
        "try again later; the hub's administrators look after the witnesses",
    )


def body_of(data: bytes | Long, errors: list[dict[str, Any]], extensions: Mapping[str, Any]) -> bytes | Long:
    """The response body around data that is JSON already."""
    behind = b"".join((b',"errors":' + orjson.dumps(errors) if errors else b"", b',"extensions":', orjson.dumps(extensions), b"}"))
    return b'{"data":' + data + behind if isinstance(data, bytes) else [b'{"data":', *data, behind]
