"""The pages under ``/account``: login and logout, one's own account, enrolment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from hub.people.sessions import Session, Sessions
from hub.people.web import Templates, from_own_page, login_address


class AccountPages:
    """``url`` is the hub's public address."""

    def __init__(self, sessions: Sessions, url: str) -> None:
        self.sessions = sessions
        self._url = url
        self._templates = Templates()

    def routes(self) -> list[BaseRoute]:
        """All routes of the pages."""
        return []

    def login_redirect(self, next_path: str) -> Response:
        """To the login page, and from there on to ``next_path`` where that is a page of this hub (``hub.people.web.NEXT_PATHS``)."""
        return RedirectResponse(login_address(next_path), 303, headers={"Cache-Control": "no-store"})

    def render(self, template: str, status: int = 200, form_action: Sequence[str] = (), **context: Any) -> Response:
        """A page of ``hub/people/templates``. ``form_action``: origins to which the answer to its form may redirect, beside the hub's own."""
        return self._templates.render(template, status, form_action, **context)

    async def session(self, request: Request) -> Session | None:
        """Who is logged in with this request's cookie."""
        return await to_thread.run_sync(self.sessions.current, request.cookies.get(self.sessions.cookie_name))

    def from_own_page(self, request: Request) -> bool:
        """Whether a POST comes from a page of the hub; to be asked of every form, beside its CSRF token."""
        return from_own_page(request, self._url)
