"""The pages under ``/account``: login and logout, one's own account, enrolment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hub.api.bodies import Bodies
from hub.catalog.problems import Problem, Refused
from hub.core import Core
from hub.people.enrol_pages import EnrolPages
from hub.people.enrolment import Enrolment
from hub.people.forms import PageRefusal, answering, check_token, read_fields
from hub.people.login import Login, LoginRefused, Proof
from hub.people.passwords import Passwords
from hub.people.role_names import told
from hub.people.sessions import Session, Sessions
from hub.people.totp import Seal
from hub.people.web import Templates, from_own_page, login_address, safe_next

T = TypeVar("T")
HASHES_AT_ONCE = 2
"""Passwords that are computed at once, 64 MiB each; more wait, and calls go on in threads of their own."""
MOST_WAITING = 32
_CSS = Path(__file__).parent / "assets" / "account.css"
_FAILED = Problem(
    "BAD_INPUT",
    "登录未成功：登录名、口令或者验证码不正确，或者账号暂不可用 not logged in: name, password or code is not right, or the account cannot be used now",
)


class AccountPages:
    """All pages of people's accounts, and what other pages need of them. ``passwords`` says how hashes are made."""

    def __init__(self, core: Core, bodies: Bodies | None = None, passwords: Passwords | None = None) -> None:
        settings = core.settings
        seal, hashing = Seal(core.people_key), passwords or Passwords()
        self.sessions = Sessions(core.engine, settings.url.startswith("https:"), settings.session_idle, settings.session_longest)
        self._url = settings.url
        self._rollup = core.log.rollup
        self._bodies = bodies or Bodies()
        self._templates = Templates()
        self._login = Login(core.engine, core.acts, self.sessions, seal, hashing)
        self._enrol = EnrolPages(self, Enrolment(core.engine, core.acts, seal, hashing))
        self._threads = CapacityLimiter(HASHES_AT_ONCE)

    def routes(self) -> list[BaseRoute]:
        """All routes of the pages."""
        return [
            self.route("/account", self._account, "GET"),
            self.route("/account/login", self._ask, "GET"),
            self.route("/account/login", self._enter, "POST"),
            self.route("/account/logout", self._leave, "POST"),
            self.route("/account/password", self._change, "POST"),
            *self._enrol.routes(),
            Route("/account/assets/account.css", _css, methods=["GET"]),
        ]

    def route(self, path: str, answer: Callable[[Request], Any], method: str) -> Route:
        """A route whose refusals are pages."""
        return Route(path, answering(answer, self._refusal), methods=[method], name=f"{method} {path}")

    def login_redirect(self, next_path: str) -> Response:
        """To the login page, and from there on to ``next_path`` where that is a page of this hub (``hub.people.web.NEXT_PATHS``)."""
        return RedirectResponse(login_address(next_path), 303, headers={"Cache-Control": "no-store"})

    def render(self, template: str, status: int = 200, form_action: Sequence[str] = (), **context: Any) -> Response:
        """A page of ``hub/people/templates``. ``form_action``: origins to which the answer to its form may redirect, beside the hub's own."""
        return self._templates.render(template, status, form_action, **context)

    async def session(self, request: Request) -> Session | None:
        """Who is logged in with this request's cookie."""
        return await to_thread.run_sync(self.sessions.current, self._cookie(request))

    def from_own_page(self, request: Request) -> bool:
        """Whether a POST comes from a page of the hub; to be asked of every form, beside its CSRF token."""
        return from_own_page(request, self._url)

    async def fields(self, request: Request) -> Mapping[str, str]:
        """The fields of a form that a page of the hub sent.

        Raises:
            PageRefusal: another page sent it, or it is no form.
        """
        if not self.from_own_page(request):
            self.count(request, "CROSS_ORIGIN")
            raise PageRefusal(403, "该表单不是由本平台的页面提交", "this form was not sent by a page of the hub")
        return await read_fields(request, self._bodies)

    async def slowly(self, work: Callable[[], T]) -> T:
        """Work that computes a password, in one of few threads.

        Raises:
            PageRefusal: too many wait already.
        """
        if self._threads.statistics().tasks_waiting >= MOST_WAITING:
            raise PageRefusal(503, "登录请求过多，请稍后重试", "too many logins at once: try again later")
        return await to_thread.run_sync(work, limiter=self._threads)

    def count(self, request: Request, code: str) -> None:
        """Counts a refusal before authentication in the ledger's roll-up."""
        self._rollup.refused(address_of(request), code)

    def _cookie(self, request: Request) -> str | None:
        return request.cookies.get(self.sessions.cookie_name)

    def _refusal(self, refusal: PageRefusal) -> Response:
        return self.render("refusal.html", refusal.status, title="未能完成 Not done", message=f"{refusal.zh} {refusal.en}")

    async def _ask(self, request: Request) -> Response:
        return self._login_form(safe_next(request.query_params.get("next", "/account")))

    def _login_form(self, next_path: str, problems: Sequence[Problem] = (), status: int = 200) -> Response:
        return self.render("login.html", status, title="登录 Log in", next=next_path, problems=problems)

    async def _enter(self, request: Request) -> Response:
        fields = await self.fields(request)
        next_path = safe_next(fields.get("next", "/account"))
        proof = _proof(fields.get("name", ""), fields, request)
        try:
            cookie = await self.slowly(lambda: self._login.open(proof, self._cookie(request)))
        except LoginRefused as refused:
            self.count(request, refused.code)
            return self._login_form(next_path, [_FAILED], 400)
        response = RedirectResponse(next_path, 303, headers={"Cache-Control": "no-store"})
        self.sessions.set_cookie(response, cookie)
        return response

    async def _leave(self, request: Request) -> Response:
        session = check_token(await self.session(request), await self.fields(request))
        await to_thread.run_sync(self._login.close, session, self._cookie(request) or "")
        response = self.login_redirect("/account")
        self.sessions.clear_cookie(response)
        return response

    async def _account(self, request: Request) -> Response:
        session = await self.session(request)
        return self._own(session, changed="changed" in request.query_params) if session else self.login_redirect("/account")

    def _own(self, session: Session, problems: Sequence[Problem] = (), changed: bool = False, status: int = 200) -> Response:
        about: dict[str, Any] = {"session": session, "roles": told(session.roles), "problems": problems, "changed": changed}
        return self.render("account.html", status, title="我的账号 My account", **about)

    async def _change(self, request: Request) -> Response:
        fields = await self.fields(request)
        session = check_token(await self.session(request), fields)
        if problem := repeated(fields):
            return self._own(session, [problem], status=400)
        proof = _proof(session.name, fields, request)
        try:
            cookie = await self.slowly(lambda: self._login.change_password(session, proof, fields.get("new", "")))
        except LoginRefused as refused:
            self.count(request, refused.code)
            return self._own(session, [_FAILED], status=400)
        except Refused as refused:
            return self._own(session, refused.problems, status=400)
        response = RedirectResponse("/account?changed", 303, headers={"Cache-Control": "no-store"})
        self.sessions.set_cookie(response, cookie)
        return response


def address_of(request: Request) -> str:
    """The peer's network address."""
    return request.client.host if request.client else ""


def repeated(fields: Mapping[str, str]) -> Problem | None:
    """A new password is typed twice."""
    if fields.get("new", "") == fields.get("again", ""):
        return None
    return Problem("PASSWORD_WEAK", "两次输入的口令不一致 the two new passwords differ", "请重新输入 type them again", "again")


def _proof(name: str, fields: Mapping[str, str], request: Request) -> Proof:
    return Proof(name.strip()[:100], fields.get("password", ""), "".join(fields.get("code", "").split())[:10], address_of(request))


async def _css(_request: Request) -> Response:
    return FileResponse(_CSS, headers={"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"})
