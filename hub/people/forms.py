"""Forms of the pages for people: small, sent by a page of the hub, and where somebody is logged in with the token of the session."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import Response

from auth.forms import FormFault, parse_form
from hub.api.bodies import Bodies, BodyFault
from hub.ledger.errors import LedgerUnavailable
from hub.people.sessions import Session

MOST_BYTES = 8 * 1024
_FORM = "application/x-www-form-urlencoded"


class PageRefusal(Exception):
    """A page that says why instead of what was asked for. Its texts are Chinese and English."""

    def __init__(self, status: int, zh: str, en: str) -> None:
        super().__init__(en)
        self.status = status
        self.zh = zh
        self.en = en


Answer = Callable[[Request], Awaitable[Response]]


async def read_fields(request: Request, bodies: Bodies) -> Mapping[str, str]:
    """The form's fields, each once.

    Raises:
        PageRefusal: it is no form, or too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise PageRefusal(415, "请以表单提交", f"send {_FORM}")
    try:
        async with bodies.reading(request.receive, request.headers.get("content-length", ""), MOST_BYTES) as body:
            return parse_form(body)
    except BodyFault as fault:
        raise PageRefusal(fault.status, fault.zh, fault.en) from None
    except FormFault as fault:
        raise PageRefusal(fault.status, "表单不合格式", str(fault)) from None


def check_token(session: Session | None, fields: Mapping[str, str]) -> Session:
    """The session, whose token the form holds.

    Raises:
        PageRefusal: nobody is logged in, or the form is of another session.
    """
    if session is None or not hmac.compare_digest(session.csrf.encode(), fields.get("csrf", "").encode()):
        raise PageRefusal(403, "会话已结束，请重新登录", "the session is over: log in again")
    return session


def answering(answer: Answer, refuse: Callable[[PageRefusal], Response]) -> Answer:
    """An endpoint whose refusals are pages, those of a hub that cannot write too."""

    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except PageRefusal as refusal:
            return refuse(refusal)
        except (LedgerUnavailable, OperationalError):
            return refuse(PageRefusal(503, "平台暂不可写，请稍后重试", "the hub cannot write now: try again later"))

    return endpoint
