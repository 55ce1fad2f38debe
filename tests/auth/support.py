"""A small authorization server with everything in reach: clients, a revocation store, a clock, the events it reported."""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.assertion import Assertions
from auth.bearer import challenge, presented_token
from auth.clients import Client, ClientAuthenticator, hash_secret
from auth.dpop import Proofs
from auth.keys import KeyRing
from auth.revocations import RevocationList
from auth.server import OAuthServer
from auth.tokens import TokenInvalid, TokenIssuer, TokenVerifier
from hub.api.oauth import resource_metadata_url, routes

ISSUER = "https://hub.example"
NOW = 1_800_000_000
FORM = "application/x-www-form-urlencoded"
SCOPES = frozenset({"query:unconditional", "verify:unconditional", "query:civil_affairs.person"})


class Clock:
    """Unix time that stands still until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Clients:
    """A client store in memory that counts look-ups."""

    def __init__(self, *clients: Client) -> None:
        self.by_id = {client.client_id: client for client in clients}
        self.looked_up: list[str] = []

    def find(self, client_id: str) -> Client | None:
        self.looked_up.append(client_id)
        return self.by_id.get(client_id)

    def is_active(self, client_id: str) -> bool:
        return client_id in self.by_id and self.by_id[client_id].active

    def disable(self, client_id: str) -> None:
        self.by_id[client_id] = replace(self.by_id[client_id], active=False)


class SqliteRevocations:
    """A revocation store in a SQLite file, as several nodes would share a database."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._lock = threading.Lock()
        with self._lock, self._connection as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS revoked (jti TEXT PRIMARY KEY, expires_at INTEGER NOT NULL)")

    def add(self, jti: str, expires_at: int) -> None:
        with self._lock, self._connection as connection:
            connection.execute("INSERT OR IGNORE INTO revoked VALUES (?, ?)", (jti, expires_at))

    def unexpired(self, now: int) -> Iterable[tuple[str, int]]:
        with self._lock:
            return self._connection.execute("SELECT jti, expires_at FROM revoked WHERE expires_at > ?", (now,)).fetchall()

    def close(self) -> None:
        self._connection.close()


class Used:
    """A store of used ids in memory."""

    def __init__(self) -> None:
        self.keys: dict[str, int] = {}

    def use(self, key: str, until: int) -> bool:
        first = key not in self.keys
        self.keys.setdefault(key, until)
        return first


def client(name: str, scopes: Iterable[str] = SCOPES, *, active: bool = True) -> Client:
    """A client whose secret is its name and ``-secret``."""
    return Client(name, hash_secret(f"{name}-secret"), frozenset(scopes), active, "housing", name)


def basic(client_id: str, secret: str | None = None) -> dict[str, str]:
    """The header of a client that proves itself by HTTP Basic."""
    text = f"{client_id}:{secret if secret is not None else client_id + '-secret'}"
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def part(token: str, index: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a token, unchecked."""
    segment = token.split(".")[index]
    parsed: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return parsed


@dataclass
class World:
    """One hub's OAuth side."""

    home: Path
    issuer: str = ISSUER
    plain_http: bool = False
    clock: Clock = field(default_factory=Clock)
    events: list[tuple[str, str | None, str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.record: Callable[..., Awaitable[None]] = self._keep
        self.clients = Clients(client("app"), client("other"), client("gateway", {"introspect"}), client("bare", ()), client("off", active=False))
        self.keys = KeyRing(self.home / "keys", clock=self.clock)
        self.store = SqliteRevocations(self.home / "revoked.db")
        self.revocations = RevocationList(self.store, clock=self.clock)
        self.issuing = TokenIssuer(self.issuer, self.keys, clock=self.clock)
        self.verifier = TokenVerifier(self.issuer, self.keys, self.revocations, self.clients.is_active, clock=self.clock)
        self.comparisons: list[tuple[str, str]] = []
        authenticator = ClientAuthenticator(self.clients, same=self._same)
        self.used = Used()
        self.assertions = Assertions(self.issuer, self.clients, self.used, clock=self.clock)
        self.proofs = Proofs(since=0, clock=self.clock)
        parts = (authenticator, self.assertions, self.issuing, self.verifier, self.revocations, self.proofs)
        self.server = OAuthServer(self.issuer, *parts, plain_http=self.plain_http)
        oauth = routes(self.server, self.keys, lambda: ["query:unconditional", "governance:audit"], self._on_event)
        self.app = Starlette(routes=[*oauth, Route("/protected", self.protected)])

    def _same(self, given: str, known: str) -> bool:
        self.comparisons.append((given, known))
        return given == known

    async def _on_event(self, *event: Any) -> None:
        await self.record(*event[:4])

    async def _keep(self, kind: str, client_id: str | None, outcome: str, code: str | None) -> None:
        self.events.append((kind, client_id, outcome, code))

    async def protected(self, request: Request) -> Response:
        """A resource that wants a token, as the GraphQL endpoint would."""
        url = resource_metadata_url(self.issuer)
        try:
            presented = presented_token(request.headers.getlist("authorization"))
            if presented is None:
                return Response(status_code=401, headers={"WWW-Authenticate": challenge(url)})
            return JSONResponse(sorted(self.verifier.verify(presented.token).scopes))
        except TokenInvalid:
            return Response(status_code=401, headers={"WWW-Authenticate": challenge(url, "invalid_token")})

    def http(self) -> httpx2.AsyncClient:
        """A client of the app; its Host is not the issuer's."""
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url="http://evil.example")

    async def post(self, path: str, form: dict[str, str] | str, headers: dict[str, str] | None = None) -> httpx2.Response:
        """A form post."""
        async with self.http() as http:
            if isinstance(form, str):
                return await http.post(path, content=form, headers={"content-type": FORM, **(headers or {})})
            return await http.post(path, data=form, headers=headers)

    async def token(self, client_id: str = "app", **form: str) -> httpx2.Response:
        """A token request of a client that proves itself."""
        return await self.post("/oauth/token", {"grant_type": "client_credentials", **form}, basic(client_id))

    def close(self) -> None:
        self.store.close()
