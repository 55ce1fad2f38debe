"""A hub in this process with two people and three applications, and a browser's part of an authorization."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from sqlalchemy import insert, select, update

from auth.clients import hash_secret
from hub.acts import bump
from hub.app import Hub, create_app
from hub.catalog.tables import department
from hub.core import Core
from hub.ledger.tables import entry
from hub.people.codes import CONSOLE
from hub.people.tables import account_role, person
from hub.sharing.tables import application
from hub.store.base import now
from tests.catalog.homes import new_core

ISSUER = "http://127.0.0.1:8000"
CALLBACK = f"{ISSUER}/console/callback"
PORTAL = "https://portal.example/callback"
ZHANG, LI = "person_zhang", "person_li"
"""A data steward who answers for ``housing`` and ``library``; an auditor who answers for nothing."""
ROLES = {ZHANG: ("governance:owner", "governance:steward"), LI: ("governance:audit",)}


@dataclass(frozen=True, slots=True)
class Pkce:
    """A verifier and its challenge."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        """S256."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")


@dataclass
class Browser:
    """A browser with a session of one person, or of nobody; follows no redirect."""

    http: httpx2.AsyncClient
    cookies: dict[str, str]

    async def get(self, query: str | dict[str, str]) -> httpx2.Response:
        """Opens the authorization endpoint."""
        text = query if isinstance(query, str) else urlencode(query)
        return await self.http.get(f"/oauth/authorize?{text}", headers=self.cookie())

    async def post(self, form: dict[str, str], headers: dict[str, str] | None = None) -> httpx2.Response:
        """Sends the consent page's form."""
        return await self.http.post("/oauth/authorize", data=form, headers={**self.cookie(), **({"origin": ISSUER} if headers is None else headers)})

    def cookie(self) -> dict[str, str]:
        """The header of the session."""
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}


@dataclass
class World:
    """The hub and what tests do with it."""

    core: Core
    hub: Hub
    http: httpx2.AsyncClient

    def browser(self, who: str | None = ZHANG) -> Browser:
        """Of a person who is logged in."""
        sessions = self.hub._pages.sessions
        return Browser(self.http, {sessions.cookie_name: sessions.open(who)} if who else {})

    def request(self, pkce: Pkce, **changed: str | None) -> dict[str, str]:
        """A sound request of GraphiQL; a value of ``None`` leaves the parameter out."""
        sound = {"response_type": "code", "client_id": CONSOLE, "redirect_uri": CALLBACK, "state": "s t&a=te", "code_challenge": pkce.challenge}
        whole = {**sound, "code_challenge_method": "S256", **changed}
        return {name: value for name, value in whole.items() if value is not None}

    async def code(self, pkce: Pkce, who: str = ZHANG, **changed: str | None) -> str:
        """A code for GraphiQL."""
        answer = await self.browser(who).get(self.request(pkce, **changed))
        return answer_of(answer)["code"]

    async def portal_code(self, pkce: Pkce, **changed: str | None) -> str:
        """A code for the portal, by consent."""
        browser = self.browser()
        page = await browser.get(self.request(pkce, client_id="portal_id", redirect_uri=PORTAL, **changed))
        return answer_of(await browser.post(consent_form(page)))["code"]

    async def redeem(self, code: str, pkce: Pkce, headers: dict[str, str] | None = None, /, **changed: str | None) -> httpx2.Response:
        """GraphiQL's token request."""
        sound = {"grant_type": "authorization_code", "client_id": CONSOLE, "redirect_uri": CALLBACK, "code": code, "code_verifier": pkce.verifier}
        whole = {name: value for name, value in {**sound, **changed}.items() if value is not None}
        return await self.http.post("/oauth/token", data=whole, headers=headers)

    async def redeem_portal(self, code: str, pkce: Pkce, **changed: str | None) -> httpx2.Response:
        """The portal's token request."""
        basic = base64.b64encode(b"portal_id:portal-secret").decode()
        return await self.redeem(code, pkce, {"authorization": f"Basic {basic}"}, **{"client_id": None, "redirect_uri": PORTAL, **changed})

    async def token(self, who: str = ZHANG, **changed: str | None) -> str:
        """A person's token by GraphiQL."""
        pkce = Pkce()
        answer = await self.redeem(await self.code(pkce, who, **changed), pkce)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def ask(self, token: str, document: str, path: str = "/graphql", **headers: str) -> httpx2.Response:
        """A GraphQL document with a token."""
        sent = {"authorization": f"Bearer {token}", "accept-language": "en", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.http.post(path, json={"query": document}, headers=sent)

    def entries(self, operation: str) -> list[dict[str, Any]]:
        """The ledger's entries of one operation, oldest first."""
        return [each for each in self._entries() if each.get("operation") == operation]

    def entries_of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The ledger's entries of one kind, oldest first."""
        return [each for each in self._entries() if each["kind"] == kind]

    def _entries(self) -> list[dict[str, Any]]:
        with self.core.engine.connect() as connection:
            return [json.loads(row.canonical) for row in connection.execute(select(entry).order_by(entry.c.seq))]

    async def change(self, table: Any, where: Any, **values: Any) -> None:
        """Changes a row as an administrator's act would, and lets the hub follow."""
        with self.core.engine.begin() as connection:
            connection.execute(update(table).where(where).values(**values))
            bump(connection, "rights")
        await self.hub.live.refresh()


def answer_of(response: httpx2.Response, to: str = "") -> dict[str, str]:
    """The parameters with which the browser is sent to the client; once each."""
    assert response.status_code == 303, response.text
    place, _, query = response.headers["location"].partition("?")
    assert place in ({to} if to else {CALLBACK, PORTAL}), place
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def consent_form(page: httpx2.Response, decision: str = "allow") -> dict[str, str]:
    """What a browser would send from the consent page."""
    assert page.status_code == 200, page.text
    form = page.text[page.text.index('action="/oauth/authorize"') :]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)} | {"decision": decision}


def path_of(location: str) -> str:
    """Path of an address on the hub."""
    return urlsplit(location).path


def _fill(core: Core) -> None:
    moment = now()
    people = {ZHANG: ("zhang", "张三", "housing"), LI: ("li", "李四", "city_data")}
    apps: tuple[tuple[str, str | None, Iterable[str]], ...] = (
        ("housing", ZHANG, ()),
        ("library", ZHANG, ()),
        ("portal", None, (PORTAL, "https://portal.example/other?fixed=1", "http://127.0.0.1/native", "https://portal.example:8443/ported")),
    )
    with core.engine.begin() as connection:
        for code in ("housing", "city_data"):
            connection.execute(insert(department).values(code=code, name=code, name_en=code, uscc="", tier="CITY", created_at=moment))
        for identity, (name, shown, owner) in people.items():
            made = {"created_by": "test", "approved_by": "other", "created_at": moment}
            values = {"id": identity, "name": name, "display_name": shown, "department": owner, "state": "ACTIVE", **made}
            connection.execute(insert(person).values(**values))
            for role in ROLES[identity]:
                connection.execute(insert(account_role).values(account=identity, role=role, given_by="test", given_at=moment))
        for name, owner_id, uris in apps:
            terms = {"secret_hash": hash_secret(f"{name}-secret"), "purposes": "[]", "active": True, "created_at": moment, "owner": owner_id}
            values = {"client_id": f"{name}_id", "name": name, "department": "housing", "redirect_uris": json.dumps(list(uris)), **terms}
            connection.execute(insert(application).values(**values))
        bump(connection, "rights")


@asynccontextmanager
async def world_in(directory: Path) -> AsyncIterator[World]:
    """A running hub on a home of its own."""
    with new_core(directory) as core:
        _fill(core)
        core.registry.refresh()
        hub = create_app(core)
        async with hub._rest.router.lifespan_context(hub._rest), httpx2.AsyncClient(transport=httpx2.ASGITransport(app=hub), base_url=ISSUER) as http:
            yield World(core, hub, http)
