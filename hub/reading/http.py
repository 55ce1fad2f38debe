"""``GET /ledger/export``: the log as a file, for those whom it concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from anyio import CancelScope, to_thread
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Send

from hub.acts import make_id
from hub.api.context import Caller
from hub.api.entries import refusal_entry
from hub.api.identity import Identity
from hub.api.use import read_use
from hub.core import Core
from hub.exchange.http import asked_of, fault_response
from hub.ledger.errors import LedgerUnavailable
from hub.people.permissions import reach
from hub.people.roles import ROLES
from hub.reading.exports import BEGUN, Export, export_draft, new_export
from hub.reading.formats import MEDIA
from hub.reading.views import Scope, View
from schema.faults import Code, Fault, bad_input

MOST, MOST_EACH = 4, 2
"""Exports at once, of one node and of one account; the last place is the audit administrator's."""


class _Broken(Exception):
    """The right to the export has ended."""


class ExportHttp:
    """Serves exports. The entry stands before the first byte; another one after the last says what the file was."""

    def __init__(self, core: Core, identity: Identity) -> None:
        self._core = core
        self._identity = identity
        self._running: Counter[str] = Counter()

    def routes(self) -> list[Route]:
        """The route."""
        return [Route("/ledger/export", self._export, methods=["GET"])]

    async def _export(self, request: Request) -> Response:
        caller: Caller | None = None
        try:
            caller = await self._identity.caller(asked_of(request))
            caller = caller.using(read_use(request.headers))
            return await self._begun(request, caller)
        except Fault as fault:
            return await self._refused(request, caller, fault)
        except LedgerUnavailable:
            return fault_response(request, _unwritten())

    async def _begun(self, request: Request, caller: Caller) -> Response:
        said = _words(request.query_params)
        form = str(said.pop("format", "csv"))
        scope = _scope(caller, str(said.pop("view", View.OWN.value)))
        if isinstance(name := said.get("application"), str) and (app := self._core.registry.by_name(name)):
            said["application"] = app.client_id
        which = scope.filter(said)
        holds = self._holding(request, caller, scope)
        account = self._take(caller, scope)
        try:
            actor = caller.person.name if caller.person else caller.identified().name
            export = await to_thread.run_sync(new_export, self._core, scope, which, form, actor, make_id("call"))
            receipt = await self._core.ledger.append(export_draft(export, export.begun(), **_who(caller)))
        except BaseException:
            self._running[account] -= 1
            raise
        headers = {
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "content-disposition": f'attachment; filename="{export.name}"',
            "huitong-ledger-entry": str(receipt.entry),
            "huitong-ledger-archived-before": str(export.archived),
        }
        return _Streamed(self, export, _who(caller), headers, holds)

    def _take(self, caller: Caller, scope: Scope) -> str:
        """The account that takes one of the places.

        Raises:
            Fault: ``RATE_LIMITED``.
        """
        account = caller.identified().client_id
        if self._running[account] >= MOST_EACH or self._running.total() >= (MOST if scope.view is View.ALL else MOST - 1):
            zh, en = "同时导出过多", "too many exports at once"
            raise Fault(Code.RATE_LIMITED, zh, en, "请稍后重试", "try again a little later", retry_after=10)
        self._running[account] += 1
        return account

    def _holding(self, request: Request, caller: Caller, scope: Scope) -> Callable[[], bool]:
        """Says whether the caller may still have what is left: its token was not revoked, its account not disabled, its role not taken away."""
        stands, registry = self._identity.standing(request.headers), self._core.registry

        def holds() -> bool:
            rights = registry.rights(caller.identified().client_id, caller.rights.scopes)
            try:
                return stands() and _scope(replace(caller, rights=rights), scope.view.value) == scope
            except Fault:
                return False

        return holds

    async def ended(self, export: Export, who: dict[str, Any]) -> None:
        """Enters what was sent, whole or not."""
        self._running[who["application"]] -= 1
        await self._core.ledger.append(export_draft(export, export.ended(), **who))

    async def _refused(self, request: Request, caller: Caller | None, fault: Fault) -> Response:
        log = self._core.log
        if caller is None or caller.application is None:
            log.rollup.refused(request.client.host if request.client else "", fault.code.value)
            return fault_response(request, fault, self._identity)
        # As everywhere: an alert is what an administrator tried. Applications, which are many, must not be able to bury these.
        alert = fault.code is Code.FORBIDDEN and not caller.rights.scopes.isdisjoint(ROLES)
        details = {"actor": caller.actor().name, "act": BEGUN, "alert": True} if alert else None
        try:
            await log.ledger.append(refusal_entry(make_id("call"), caller, fault.code.value, False, None, BEGUN, "FILE", details))
        except LedgerUnavailable:
            return fault_response(request, _unwritten())
        return fault_response(request, fault, self._identity)


class _Streamed(StreamingResponse):
    """Sends the parts while ``holds`` says so; however that ends, it is entered. Broken off, the answer has no end: nobody takes it for whole."""

    def __init__(self, serving: ExportHttp, export: Export, who: dict[str, Any], headers: dict[str, str], holds: Callable[[], bool]) -> None:
        super().__init__(_parts(export, holds), media_type=MEDIA[export.form], headers=headers)
        self._serving, self._export, self._who = serving, export, who

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        except _Broken:
            pass
        finally:
            with CancelScope(shield=True):
                await self._serving.ended(self._export, self._who)


async def _parts(export: Export, holds: Callable[[], bool]) -> AsyncIterator[bytes]:
    parts = export.parts()
    while (part := await to_thread.run_sync(next, parts, None)) is not None:
        if not holds():
            raise _Broken
        yield part


def _scope(caller: Caller, view: str) -> Scope:
    """The view that is asked for, if the caller has it.

    Raises:
        Fault: ``FORBIDDEN``; ``BAD_INPUT`` where there is no such view.
    """
    app, scopes = caller.identified(), caller.rights.scopes
    if view == View.OWN.value:
        return Scope(View.OWN, application=app.client_id)
    fields = {View.PROVIDED.value: "providedCalls", View.ALL.value: "ledger"}
    if view not in fields:
        raise bad_input("view 不可用", "there is no such view", "可用：own, provided, all", "use own, provided or all")
    if reach(fields[view], scopes) is None:
        zh, en = "没有读取该范围日志的权限", "the token does not give this view of the log"
        raise Fault(Code.FORBIDDEN, zh, en, "本应用的调用请用 view=own", "the application's own calls are view=own")
    return Scope(View(view), department=app.department if view == View.PROVIDED.value else None)


def _words(query: QueryParams) -> dict[str, Any]:
    """The query's parameters; ``kind`` may stand several times, whatever else once.

    Raises:
        Fault: ``BAD_INPUT``.
    """
    said: dict[str, Any] = {}
    for name, value in query.multi_items():
        if name == "kind":
            said.setdefault(name, []).append(value)
        elif name in said:
            raise bad_input(f"参数 {name[:40]} 重复", f"the parameter {name[:40]} stands twice", "请只写一次", "write it once")
        else:
            said[name] = value
    return said


def _who(caller: Caller) -> dict[str, Any]:
    app, use = caller.identified(), caller.use
    return {"application": app.client_id, "department": app.department, "operator": use.operator, "case": use.case, "purpose": use.purpose}


def _unwritten() -> Fault:
    return Fault(Code.LEDGER_UNAVAILABLE, "调用日志暂不可写", "the ledger cannot be written now", "请稍后重试", "try again later")
