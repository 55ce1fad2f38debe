"""Assembles a hub from its core: wires, and decides nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from threading import Event
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from auth.assertion import Assertions
from auth.authorization import Authorizations
from auth.authorization import metadata as code_metadata
from auth.clients import ClientAuthenticator
from auth.codes import S256, CodeGrant, Codes
from auth.dpop import Proofs
from auth.keys import KeyRing
from auth.revocations import RevocationList
from auth.rights import Operation
from auth.server import OAuthServer, check_issuer
from auth.tokens import TokenIssuer, TokenVerifier
from hub.acts import make_id
from hub.anomalies.watch import Watch
from hub.api.admission import Admission, PublicPace
from hub.api.bodies import SMALL_BODY_BYTES, Bodies
from hub.api.calling import hub_number
from hub.api.data import DataService
from hub.api.data_schema import make_data_schema
from hub.api.execute import Executor
from hub.api.governance import GOVERNANCE_SDL, GovernanceService
from hub.api.governance_schema import make_governance_schema
from hub.api.http import BodyLimit, GraphQLEndpoint, HttpAnswer, HttpRequest
from hub.api.identity import Asked, Identity
from hub.api.introspection import DEPARTMENTS_HEADER, departments_of
from hub.api.long import unpacked
from hub.api.oauth import routes as oauth_routes
from hub.api.services import Services
from hub.api.turn import Turn, Turns
from hub.collecting import Collecting
from hub.console.pages import DemoApplication, DemoToken, UnknownDemoApplicationError, assets_route, demo_routes, page
from hub.core import TOKEN_KEYS, Core
from hub.errors import nul_in_address
from hub.exchange.delivery.deliver import Deliveries
from hub.exchange.delivery.destinations import Destinations
from hub.exchange.http import ExchangeHttp, asked_of, fault_response
from hub.exchange.runner import ExchangeRunner
from hub.exchange.store import ExchangeStore
from hub.exchange.verifying.assembly import Verifying
from hub.hosts import AllowedHosts, host_of
from hub.identity.replay import UsedOnce
from hub.identity.ring import following
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import LedgerUnavailable
from hub.ledger.http import LedgerHttp
from hub.live import Live
from hub.metrics.admin import admin_application, readiness
from hub.metrics.meter import operation_of
from hub.metrics.registry import Metrics, Observed
from hub.pacing import calmly
from hub.people.authorize import AuthorizePages
from hub.people.authorize_console import ConsolePeople
from hub.people.codes import Clients, LivePeople, StoredCodes
from hub.people.pages import AccountPages
from hub.people.roles import ROLES
from hub.pseudonyms.following import following_pseudonyms
from hub.reading.http import ExportHttp
from hub.sharing.registry import TokenRevocations
from hub.sharing.sweep import sweeping
from hub.tracing.index import Indexer
from hub.usage.roller import Roller, rolling
from hub.usage.rulebook import UsageRules
from masking import han
from schema.cursors import Cursors
from schema.documents import Documents
from schema.faults import Code, Fault
from schema.plan import Plans

GOVERNANCE_BODY_BYTES = 8 * 1024 * 1024
_BY_RIGHTS = ("/oauth/token", "/oauth/introspect")
"""Answered from rights in memory: not while these cannot be compared with the control database. Revoking a token asks nobody's rights."""
_STALE = {"error": "temporarily_unavailable", "error_description": "Rights cannot be checked now; try again a little later."}
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@dataclass(frozen=True)
class DemoState:
    """What only the demonstration has: a helper that gives tokens of the demonstration's applications to whoever opens GraphiQL."""

    applications: Callable[[str], Sequence[DemoApplication]]
    """By endpoint, ``data`` or ``governance``."""
    headers: Callable[[str], dict[str, str] | None]
    """The headers of use of an application by name."""


class Hub:
    """One hub: its parts, its routes, its life."""

    def __init__(self, core: Core, demo: DemoState | None = None) -> None:
        self.core = core
        settings = core.settings
        issuer = check_issuer(settings.url)
        self._keys = KeyRing(settings.keys / TOKEN_KEYS)
        self._revocations = RevocationList(TokenRevocations(core.engine))
        self._tokens = TokenIssuer(issuer, self._keys)
        known = Clients(core.registry, issuer)
        verifier = TokenVerifier(issuer, self._keys, self._revocations, known.is_active, tokens_from=core.registry.tokens_from)
        self._used, proofs = UsedOnce(core.engine), Proofs()
        clients, assertions = ClientAuthenticator(known), Assertions(issuer, known, self._used)
        shared = self._used if core.engine.dialect.name == "postgresql" else None
        self._oauth = OAuthServer(issuer, clients, assertions, self._tokens, verifier, self._revocations, proofs, replays=shared)
        self._people = LivePeople(core.registry)
        codes = Codes(StoredCodes(core.engine), self._people, self._tokens, self._revocations)
        self._oauth.register_grant(CodeGrant, [S256(), codes])
        base = make_data_schema()._schema
        governance = make_governance_schema()._schema
        self.live = Live(core, base, self._revocations)
        documents = Documents()
        cursors = Cursors(core.cursor_key)
        executor = Executor(Plans(), cursors)
        self._introspector = executor.introspector
        exchanges = ExchangeStore(core.engine, make_id("node"))
        self.runner = ExchangeRunner(self.live, documents, executor, exchanges)
        destinations = Destinations(settings.destinations, settings.home)
        self.deliveries = Deliveries(self.live, exchanges, destinations)
        self._identity = Identity(verifier, core.registry, proofs, issuer, replays=shared, stale=lambda: self.live.stale)
        self._usage = Roller(core.engine, core.ledger, UsageRules.of_home(settings.home), make_id("node"))
        self._exchange_http = ExchangeHttp(self.live, self._identity, exchanges, self.runner, self.deliveries.store)
        self.anomalies = Watch(core.engine, core.ledger, settings.home)
        self._verifying = Verifying.assemble(self.live, self._identity, documents, executor.plans, self.anomalies, exchanges)
        self.runner.verifying = self._verifying.runs
        services = Services(
            self.live,
            cursors,
            exchanges,
            self.runner,
            core.requests,
            self._verifying.uploads,
            self._verifying.runs,
            destinations=destinations,
            deliveries=self.deliveries,
        )
        data = DataService(self.live, documents, executor, core.ledger, self.anomalies, services)
        self._administration = GovernanceService(self.live, governance, Documents(), core.ledger, services)
        self._hosts = AllowedHosts([host_of(settings.url), *settings.allowed_hosts])
        self._bodies = Bodies()
        self._pages = AccountPages(core, self._bodies)
        self._authorize = AuthorizePages(Authorizations(self._oauth, codes), self._pages, core.ledger)
        self._pace = PublicPace(settings.public_calls_per_second)
        self._admissions: dict[str, Admission] = {}
        self._endpoints: dict[str, GraphQLEndpoint] = {
            "/graphql": self._endpoint("data", data.answer, lambda _: settings.body_bytes, demo),
            "/governance/graphql": self._endpoint("governance", self._administration.answer, self._governance_limit, demo),
        }
        core.ledger.in_work = lambda: sum(admission.in_work for admission in self._admissions.values())
        self._rest = Starlette(routes=self._routes(demo), lifespan=self._life, exception_handlers={HTTPException: _http_error})
        # Starlette would redirect to an absolute address made of whatever the request calls the host.
        self._rest.router.redirect_slashes = False
        self.ready = False
        self.metrics = Metrics(Observed(core.ledger, self.live, self._admissions, self.runner, core.space, self.anomalies))
        self._admin_port = settings.admin_port
        self._admin = admin_application(self.metrics, self.unready, lambda: self.anomalies.notices, settings.admin_host)

    def _endpoint(self, kind: Any, answering: Callable[[Turn, Any], Awaitable[HttpAnswer]], limit: BodyLimit, demo: DemoState | None) -> GraphQLEndpoint:
        settings, log = self.core.settings, self.core.log
        admission = self._admissions[kind] = Admission(settings.concurrent_calls, settings.caller_calls)
        number = hub_number(log.first_key.public)
        turns = Turns(self._identity, admission, self._pace, log.ledger, log.rollup, number, settings.request_seconds, answering)
        return GraphQLEndpoint(turns.take, turns.refuse, lambda: page(kind, demo is not None), self._bodies, limit)

    def _governance_limit(self, request: HttpRequest) -> int:
        """Manifests are large; nobody but an administrator sends one."""
        scopes = self._identity.scopes(Asked(request.headers, request.method, request.path))
        return GOVERNANCE_BODY_BYTES if scopes & set(ROLES) else SMALL_BODY_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The hot path goes straight to its endpoint; everything else is Starlette's. The administration listener's port tells its calls."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
        elif self._admin_port and (scope["server"] or ("", 0))[1] == self._admin_port:
            await self._admin(scope, receive, send)
        else:
            endpoint = self._endpoints.get(scope["path"])
            if endpoint is None or not self._hosts.admits(scope["headers"]) or scope["query_string"] or self.live.stale:
                await self.metrics.http.counted(self._serve, scope, receive, send)
            else:
                await self._called(endpoint, scope, receive, send)

    async def _called(self, endpoint: GraphQLEndpoint, scope: Scope, receive: Receive, send: Send) -> None:
        """A call of which nothing is to be refused before its endpoint sees it."""
        meter, began, status = self.metrics.http, time.perf_counter(), 0
        meter.in_work += 1
        try:
            status = await endpoint.serve(scope, receive, send)
        finally:
            meter.in_work -= 1
            meter.note(operation_of(scope["path"]), status, began)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._hosts.admits(scope["headers"]):
            await self._misdirected(Request(scope))(scope, receive, send)
        elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
            await fault_response(Request(scope), nul_in_address())(scope, receive, send)
        elif scope["path"] in _BY_RIGHTS and self.live.stale:
            await JSONResponse(_STALE, 503, {**_HEADERS, "retry-after": "1"})(scope, receive, send)
        else:
            await self._endpoints.get(scope["path"], self._rest)(scope, receive, send)

    def drain(self) -> None:
        """The hub is about to end: it is not ready any more, and what would go on for ever ends. Calls are served until the end all the same."""
        self.ready = False
        self.live.draining = True

    def _misdirected(self, request: Request) -> Response:
        fault = Fault(
            Code.BAD_REQUEST,
            "本平台不以请求头 Host 中的名称提供服务",
            "the hub does not serve under the name in the Host header",
            "请使用平台的地址，或将该名称加入设置 HUITONG_ALLOWED_HOSTS",
            "use the hub's address, or add the name to the setting HUITONG_ALLOWED_HOSTS",
        )
        self.core.log.rollup.refused(request.client.host if request.client else "", fault.code.value)
        response = fault_response(request, fault)
        response.status_code = HTTPStatus.MISDIRECTED_REQUEST
        return response

    def _routes(self, demo: DemoState | None) -> list[BaseRoute]:
        routes: list[BaseRoute] = [
            *oauth_routes(self._oauth, self._keys, _scopes_supported, self._on_oauth, self._bodies, code_metadata(self._oauth.issuer)),
            *self._pages.routes(),
            *self._authorize.routes(),
            *ConsolePeople(self.core, self._identity, self._people, self._pages).routes(demo is not None),
            *LedgerHttp(self.core.log, self._identity, self.core.witnessing.policy).routes(),
            *ExportHttp(self.core, self._identity).routes(),
            *self._exchange_http.routes(),
            *self._verifying.http.routes(),
            Route("/", _front, methods=["GET"]),
            Route("/graphql/schema.graphql", self._sdl, methods=["GET"]),
            Route(GOVERNANCE_SDL, self._governance_sdl, methods=["GET"]),
            Route("/health/live", _alive, methods=["GET"]),
            Route("/health/ready", self._ready, methods=["GET"]),
            assets_route(),
        ]
        if demo is not None:
            routes += demo_routes(demo.applications, self._demo_token(demo), self._hosts, self._bodies)
        return routes

    def _demo_token(self, demo: DemoState) -> Callable[[str], Awaitable[DemoToken]]:
        async def issue(name: str, /) -> DemoToken:
            app, headers = self.core.registry.by_name(name), demo.headers(name)
            if app is None or headers is None:
                raise UnknownDemoApplicationError(name)
            issued = self._tokens.issue(app.client_id, app.scopes(), owned=app.scopes())
            await self._on_oauth("token", app.client_id, "done", None, "")
            return DemoToken(issued.token, 600, {"Authorization": f"Bearer {issued.token}", **headers})

        return issue

    async def _on_oauth(self, kind: str, client_id: str | None, outcome: str, code: str | None, address: str) -> None:
        if client_id is None:
            self.core.log.rollup.refused(address, code or outcome)
            return
        app = self.core.registry.application(client_id)
        draft = EntryDraft(
            kind="admin",
            call=make_id("oauth"),
            outcome="OK" if outcome == "done" else "REFUSED",
            operation=f"oauth.{kind}",
            application=client_id,
            department=app.department if app else None,
            code=code,
        )
        await self.core.ledger.append(draft)

    async def _sdl(self, request: Request) -> Response:
        try:
            caller = await self._identity.caller(asked_of(request))
        except Fault as fault:
            return self._refused(request, fault)
        view = self.live.view(caller.rights)
        found = await self._introspector.sdl(view, departments_of(request.headers.get(DEPARTMENTS_HEADER), view))
        return StreamingResponse(unpacked(found), headers=_HEADERS, media_type="application/graphql")

    async def _governance_sdl(self, request: Request) -> Response:
        try:
            text = self._administration.sdl(await self._identity.caller(asked_of(request)))
        except Fault as fault:
            return self._refused(request, fault)
        return Response(text, headers=_HEADERS, media_type="application/graphql")

    def _refused(self, request: Request, fault: Fault) -> Response:
        self.core.log.rollup.refused(request.client.host if request.client else "", fault.code.value)
        return fault_response(request, fault, self._identity)

    async def _ready(self, _request: Request) -> Response:
        return readiness(self.unready(), self.anomalies.notices)

    def unready(self) -> list[str]:
        """Why the hub is not ready, in words that docs/operations.md explains; they say nothing of callers, data or addresses."""
        log, reasons = self.core.log, []
        if not self.ready:
            reasons.append("draining" if self.live.draining else "starting")
        if not log.ledger.running or log.ledger.failing:
            reasons.append("ledger_not_written")
        if log.ring.missing is not None:
            reasons.append("ledger_key_missing")
        if self.core.space.full:
            reasons.append("disk_low")
        if self.live.stale:
            reasons.append("state_not_followed")
        if log.publisher.fault is not None:
            reasons.append("checkpoints_not_published")
        return reasons + self.core.witnessing.reasons()

    def _identity_works(self) -> tuple[Coroutine[Any, Any, None], ...]:
        pseudonyms = following_pseudonyms(self.core.pseudonyms.files, self.core.registry.pseudonym_version)
        return following(self._keys), pseudonyms, self._used.sweeping()

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        core = self.core
        core.space.look()
        await core.log.start()
        await self.live.refresh()
        await core.ledger.append(EntryDraft(kind="start", call=make_id("start"), outcome="OK"))
        collecting = Collecting(lambda: sum(admission.in_work for admission in self._admissions.values()))
        own = (collecting.run(), self.live.follow(), core.log.rollup.run(), self.metrics.lag.watch())
        works = (
            *own,
            *self._identity_works(),
            self.live.sources.watch(),
            self.runner.sweep(),
            self.runner.keep(),
            self.deliveries.run(),
            self._verifying.disposal.run(),
            sweeping(core.sweep),
            rolling(self._usage),
            Indexer(core.engine).run(),
            core.space.watch(),
            core.witnessing.run(),
            self.anomalies.run(),
        )
        ending = Event()
        with calmly(ending):
            tasks = [asyncio.create_task(work) for work in works]
        await self.runner.resume()
        # Whoever finds the hub ready finds a checkpoint, on its very first start too.
        await to_thread.run_sync(core.log.published)
        collecting.start()
        self.ready = True
        preparing = asyncio.create_task(to_thread.run_sync(han.prepare))
        try:
            yield
        finally:
            self.ready = False
            ending.set()
            await self.runner.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, preparing, return_exceptions=True)
            await self.live.sources.close()
            # A ledger that cannot be written keeps the hub from no orderly end; that there is no entry of it tells of a crash.
            with suppress(LedgerUnavailable):
                await core.ledger.append(EntryDraft(kind="stop", call=make_id("stop"), outcome="OK"))
            await core.log.close()
            collecting.end()


def create_app(core: Core, demo: DemoState | None = None) -> Hub:
    """The ASGI application of a hub."""
    return Hub(core, demo)


def _scopes_supported() -> list[str]:
    return [f"{operation.scope_prefix}:unconditional" for operation in Operation] + list(ROLES)


async def _front(_request: Request) -> Response:
    """Whoever types the bare address wants to look around."""
    return RedirectResponse("/graphql", 303)


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("")


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers: dict[str, str] = dict(getattr(error, "headers", None) or {})
    zh, en = "没有该地址或方法", "no such address or method"
    hints = "请核对地址；数据接口为 POST /graphql", "compare the address; data is at POST /graphql"
    if taken := headers.get("Allow"):
        hints = f"该地址只接受 {taken}，收到 {request.method}", f"this address takes {taken} only, not {request.method}"
    response = fault_response(request, Fault(Code.NOT_FOUND, zh, en, *hints))
    response.status_code = status
    response.headers.update(headers)
    return response
