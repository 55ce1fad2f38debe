"""What GraphiQL asks beside GraphQL: who is logged in, for which applications the person may act, and what it needs to log out."""

from __future__ import annotations

from anyio import to_thread
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hub.api.identity import Identity
from hub.console.pages import page
from hub.core import Core
from hub.exchange.http import asked_of, fault_response
from hub.people.codes import CALLBACK, LivePeople
from hub.people.pages import AccountPages
from hub.people.tables import person
from schema.faults import Code, Fault

_NOT_KEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class ConsolePeople:
    """``/console/person``, and the page to which a login comes back."""

    def __init__(self, core: Core, identity: Identity, people: LivePeople, pages: AccountPages) -> None:
        self._core = core
        self._identity = identity
        self._people = people
        self._pages = pages

    def routes(self, demo: bool) -> list[BaseRoute]:
        """Both routes. ``demo``: GraphiQL has the demonstration's token helper."""

        async def callback(_request: Request) -> Response:
            response = page("data", demo)
            response.headers["Cache-Control"] = "no-store"
            return response

        return [Route("/console/person", self._person, methods=["GET"]), Route(CALLBACK, callback, methods=["GET"])]

    async def _person(self, request: Request) -> Response:
        """Whose token this is, in whose place it calls, and in whose it could; with the token of the forms of the browser's session."""
        try:
            caller = await self._identity.caller(asked_of(request))
            account = caller.identified()
            if caller.person is None:
                raise Fault(Code.FORBIDDEN, "该令牌不属于人员", "this is no person's token", "请登录 GraphiQL", "log in to GraphiQL")
        except Fault as fault:
            return fault_response(request, fault, self._identity)
        who = caller.person
        shown = await to_thread.run_sync(self._display_name, who.client_id)
        applications = [app.name for app in self._people.owned(who.client_id)]
        acting = account.name if account is not who else None
        session = await self._pages.session(request)
        csrf = session.csrf if session and session.person == who.client_id else None
        content = {"name": who.name, "displayName": shown, "application": acting, "applications": applications, "csrf": csrf}
        return JSONResponse(content, headers=_NOT_KEPT)

    def _display_name(self, identity: str) -> str:
        with self._core.engine.connect() as connection:
            return str(connection.execute(select(person.c.display_name).where(person.c.id == identity)).scalar_one())
