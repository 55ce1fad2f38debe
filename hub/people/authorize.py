"""``/oauth/authorize`` (RFC 6749 §3.1): a person who is logged in hands rights to a client, by consent; to GraphiQL, which is the hub's own, at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from auth.authorization import PATH, Asked, Authorizations, NotForClient, SentBack
from auth.codes import Mandate
from auth.redirects import origin_of
from hub.acts import make_id
from hub.ledger.append import Ledger
from hub.ledger.entry import EntryDraft
from hub.people.codes import CONSOLE
from hub.people.forms import PageRefusal, check_token
from hub.people.pages import AccountPages
from hub.people.role_names import told
from hub.people.sessions import Session

_NOT_KEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


class AuthorizePages:
    """The authorization endpoint with its pages."""

    def __init__(self, authorizations: Authorizations, pages: AccountPages, ledger: Ledger) -> None:
        self._authorizations = authorizations
        self._pages = pages
        self._ledger = ledger

    def routes(self) -> list[BaseRoute]:
        """GET asks, POST consents."""
        return [self._pages.route(PATH, self._answering(self._ask), "GET"), self._pages.route(PATH, self._answering(self._consent), "POST")]

    def _answering(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await answer(request)
            except NotForClient as fault:
                self._pages.count(request, "AUTHORIZE")
                raise PageRefusal(400, fault.zh, fault.en) from None
            except SentBack as refusal:
                return self._back(request, refusal.location)

        return endpoint

    def _back(self, request: Request, location: str) -> Response:
        """To the client. Behind the login's form a browser would not go on to another place, which that page's policy does not name (CSP 3 §6.4.1)."""
        behind_form = request.method == "GET" and request.headers.get("sec-fetch-site") == "same-origin"
        if not behind_form:
            return _redirect(location)
        page = self._pages.render("authorize_back.html", title="返回应用 Back to the application", location=location, origin=origin_of(location))
        page.headers["refresh"] = f"0; url={location}"
        return page

    async def _ask(self, request: Request) -> Response:
        asked = self._authorizations.read(request.scope["query_string"])
        session = await self._pages.session(request)
        if session is None:
            return self._login(asked)
        mandate, scopes = await self._granted(asked, session)
        if asked.client.client_id == CONSOLE:
            return await self._approve(asked, session, mandate, scopes)
        return self._consent_page(asked, session, scopes)

    async def _consent(self, request: Request) -> Response:
        """The answer to the consent page's form. Everything is looked at again: nothing in the form is believed."""
        fields = await self._pages.fields(request)
        asked = self._authorizations.read(fields.get("query", "").encode("utf-8", "replace"))
        session = await self._pages.session(request)
        if session is None:
            return self._login(asked)
        check_token(session, fields)
        mandate, scopes = await self._granted(asked, session)
        if fields.get("decision") != "allow":
            refusal = self._authorizations.denied(asked)
            await self._enter(asked, session, refusal.code)
            raise refusal
        return await self._approve(asked, session, mandate, scopes)

    async def _granted(self, asked: Asked, session: Session) -> tuple[Mandate, frozenset[str]]:
        try:
            return self._authorizations.grant(asked, session.person)
        except SentBack as refusal:
            await self._enter(asked, session, refusal.code)
            raise

    async def _approve(self, asked: Asked, session: Session, mandate: Mandate, scopes: frozenset[str]) -> Response:
        location = await to_thread.run_sync(self._authorizations.approve, asked, mandate, scopes)
        await self._enter(asked, session, None)
        return _redirect(location)

    def _login(self, asked: Asked) -> Response:
        return self._pages.login_redirect(f"{PATH}?{asked.query}")

    def _consent_page(self, asked: Asked, session: Session, scopes: frozenset[str]) -> Response:
        origin = origin_of(asked.redirect_uri)
        # A policy has no way to name an IPv6 address: only loopback has one here.
        allowed = "http:" if "[" in origin else origin
        about: dict[str, Any] = {"client": asked.client, "application": asked.application, "rights": told(scopes), "origin": origin, "query": asked.query}
        return self._pages.render("consent.html", form_action=[allowed], title="授权应用 Authorize an application", session=session, **about)

    async def _enter(self, asked: Asked, session: Session, code: str | None) -> None:
        """Who authorized whom for what, or was refused."""
        draft = EntryDraft(
            kind="admin",
            call=make_id("oauth"),
            outcome="REFUSED" if code else "OK",
            operation="oauth.authorize",
            application=asked.client.client_id,
            department=session.department,
            operator=session.name,
            code=code,
            details={"actor": session.name, "act": "oauth.authorize", "target": (asked.application or session.name)[:200]},
        )
        await self._ledger.append(draft)


def _redirect(location: str) -> Response:
    """303: a form's POST is never sent on to the client (RFC 9700 §4.12)."""
    response = RedirectResponse("/", 303, headers=_NOT_KEPT)
    # Starlette would encode the address once more; it is complete as it is.
    response.headers["location"] = location
    return response
