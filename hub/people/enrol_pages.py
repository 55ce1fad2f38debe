"""``/account/enrol``: the invitation's codes, then password, one-time-code app and a first code. No code stands in an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from hub.catalog.problems import Problem, Refused
from hub.people.enrolment import Enrolment, Invitation, Invited
from hub.people.login import LoginRefused
from hub.people.totp import picture

if TYPE_CHECKING:
    from hub.people.pages import AccountPages

PATH = "/account/enrol"
_FAILED = Problem("BAD_INPUT", "邀请码无效、已使用或者已过期 the invitation is not valid, is used or has expired", "请联系管理员重新邀请 ask for a new one")


class EnrolPages:
    """Both steps post to the same address; the second also holds a password."""

    def __init__(self, pages: AccountPages, enrolment: Enrolment) -> None:
        self._pages = pages
        self._enrolment = enrolment

    def routes(self) -> list[BaseRoute]:
        """GET asks for the codes, POST goes on."""
        return [self._pages.route(PATH, self._ask, "GET"), self._pages.route(PATH, self._go_on, "POST")]

    async def _ask(self, _request: Request) -> Response:
        return self._codes()

    def _codes(self, problems: Sequence[Problem] = (), status: int = 200) -> Response:
        return self._pages.render("invitation.html", status, title="启用账号 Enrol", problems=problems)

    async def _go_on(self, request: Request) -> Response:
        fields = await self._pages.fields(request)
        invitation = Invitation(fields.get("invitation", ""), fields.get("proposal", ""))
        try:
            return await (self._finish(request, invitation, fields) if "finish" in fields else self._begin(request, invitation))
        except LoginRefused as refused:
            self._pages.count(request, refused.code)
            return self._codes([_FAILED], 400)

    async def _begin(self, request: Request, invitation: Invitation, problems: Sequence[Problem] = ()) -> Response:
        address = request.client.host if request.client else ""
        invited: Invited = await to_thread.run_sync(self._enrolment.begin, invitation, address)
        scanned, status = picture(invited.secret, invited.name), 400 if problems else 200
        return self._pages.render("enrol.html", status, title="启用账号 Enrol", invited=invited, picture=scanned, invitation=invitation, problems=problems)

    async def _finish(self, request: Request, invitation: Invitation, fields: Mapping[str, str]) -> Response:
        password, code = fields.get("new", ""), "".join(fields.get("code", "").split())[:10]
        if password != fields.get("again", ""):
            problem = Problem("PASSWORD_WEAK", "两次输入的口令不一致 the two passwords differ", "请重新输入 type them again", "again")
            return await self._begin(request, invitation, [problem])
        address = request.client.host if request.client else ""
        try:
            name = await self._pages.slowly(lambda: self._enrolment.finish(invitation, password, code, address))
        except Refused as refused:
            return await self._begin(request, invitation, refused.problems)
        return self._pages.render("enrolled.html", title="账号已启用 Enrolled", name=name)
