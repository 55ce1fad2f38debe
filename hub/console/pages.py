"""The console's page, its files, and the two addresses of the token helper (demo mode only)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike, stat_result
from pathlib import Path
from typing import Final, Literal, Protocol, get_args

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from hub.api.bodies import Bodies, BodyFault
from hub.hosts import AllowedHosts
from hub.ledger.errors import LedgerUnavailable

Endpoint = Literal["data", "governance"]

DIST: Final = Path(__file__).parent / "dist"
_MOST_BYTES: Final = 16 * 1024
_NOT_KEPT: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

# The editor writes its own <style> elements and starts its workers from this origin; it needs no eval.
_CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_PAGE_HEADERS: Final = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

_NOT_BUILT: Final = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>汇通 Huitong</title></head><body>
<h1>汇通 Huitong</h1>
<p>控制台尚未构建。请在代码目录中运行 <code>make build</code>，然后刷新本页；接口本身（POST）不受影响。</p>
<p lang="en">The console has not been built. Run <code>make build</code> in the source directory, then reload this page;
the endpoint itself (POST) is not affected.</p>
</body></html>
"""


def page(endpoint: Endpoint, demo: bool, dist: Path = DIST) -> Response:
    """The console for one endpoint; `demo` shows the token helper. 503 with the remedy when the console has not been built."""
    try:
        template = (dist / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        return HTMLResponse(_NOT_BUILT, status_code=503, headers=_PAGE_HEADERS)
    content = template.replace("{{endpoint}}", endpoint).replace("{{demo}}", "1" if demo else "0")
    return HTMLResponse(content, headers=_PAGE_HEADERS)


class _ImmutableFiles(StaticFiles):
    """Files whose names carry a digest of their content: fetched once per browser."""

    def file_response(self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    async def check_config(self) -> None:
        """Nothing to check: a hub without a built console serves its API, and answers 404 here."""


def assets_route(dist: Path = DIST) -> Mount:
    """The built files under `/console/assets/`."""
    return Mount("/console/assets", app=_ImmutableFiles(directory=dist / "assets", check_dir=False), name="console-assets")


@dataclass(frozen=True, slots=True)
class DemoApplication:
    """A demonstration application as the token helper lists it; nothing in it is secret."""

    name: str
    title: str
    description: str
    purposes: tuple[str, ...]
    operator: str


@dataclass(frozen=True, slots=True)
class DemoToken:
    """An access token (RFC 6749 §5.1, `expires_in` in seconds) and the request headers that use it."""

    access_token: str
    expires_in: int
    headers: Mapping[str, str]


class UnknownDemoApplicationError(LookupError):
    """No demonstration application has this name."""


class DemoTokenIssuer(Protocol):
    """Issues a token for a demonstration application, by its name; raises `UnknownDemoApplicationError`."""

    def __call__(self, name: str, /) -> Awaitable[DemoToken]: ...


def _problem(status: int, message: str, message_en: str) -> JSONResponse:
    return JSONResponse({"message": message, "messageEn": message_en}, status_code=status, headers=_NOT_KEPT)


def _requested_name(body: bytes) -> str | None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None


def _refusal(request: Request, hosts: AllowedHosts) -> Response | None:
    """A page of another origin gets no token: it can send a form or plain text without asking first, and reads what it is answered if its name is ours."""
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site") == "cross-site" or (origin is not None and not hosts.is_own_origin(origin)):
        return _problem(403, "演示令牌只发给本平台自己的页面。", "Demonstration tokens are given to the hub's own pages alone.")
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        return _problem(415, "请求应为 application/json。", "Send application/json.")
    return None


def demo_routes(
    applications: Callable[[str], Sequence[DemoApplication]], issue: DemoTokenIssuer, hosts: AllowedHosts, bodies: Bodies | None = None
) -> list[Route]:
    """The token helper's addresses; a hub mounts them in demo mode alone.

    `applications` gives those of one endpoint ("data" or "governance"); `issue` makes a token for one of them. Pages of other `hosts` get none.
    """
    held = bodies or Bodies()

    async def listed(request: Request) -> Response:
        endpoint = request.query_params.get("endpoint", "data")
        if endpoint not in get_args(Endpoint):
            return _problem(400, "endpoint 应为 data 或 governance。", "endpoint must be data or governance.")
        return JSONResponse([asdict(application) for application in applications(endpoint)], headers=_NOT_KEPT)

    async def issued(request: Request) -> Response:
        refusal = _refusal(request, hosts)
        if refusal is not None:
            return refusal
        try:
            async with held.reading(request.receive, request.headers.get("Content-Length", ""), _MOST_BYTES) as body:
                name = _requested_name(body)
        except BodyFault as fault:
            return _problem(fault.status, f"{fault.zh}。", f"{fault.en[0].upper()}{fault.en[1:]}.")
        if name is None:
            return _problem(400, '请求应为 {"name": "…"}。', 'Send {"name": "…"}.')
        return await token_of(name)

    async def token_of(name: str) -> Response:
        try:
            token = await issue(name)
        except UnknownDemoApplicationError:
            return _problem(404, f"没有名为 {name} 的演示应用。", f"There is no demo application named {name}.")
        except LedgerUnavailable:
            return _problem(503, "调用日志暂不可写，请稍后重试。", "The ledger cannot be written now; try again later.")
        content = {"access_token": token.access_token, "expires_in": token.expires_in, "headers": dict(token.headers)}
        return JSONResponse(content, headers=_NOT_KEPT)

    return [Route("/console/demo-applications", listed, methods=["GET"]), Route("/console/demo-token", issued, methods=["POST"])]
