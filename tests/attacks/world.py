"""A hub in this process, attacked over HTTP: its clients' keys, tokens and proofs are in the tests' hands."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import get_ident
from typing import Any

import httpx2
from joserfc import jws
from joserfc.jwk import ECKey
from sqlalchemy import event

from auth.dpop import token_hash
from auth.signed import PublicKey
from auth.tokens import TokenIssuer
from hub.app import Hub, create_app
from hub.core import Core
from hub.ledger.entry import EntryDraft
from hub.ledger.reading import CallFilter, calls
from hub.sharing.clients import Proving
from tests.catalog.homes import CONSOLE, new_core, publish
from tests.catalog.small import SMALL
from tests.hub.canaries import alive

ISSUER = "http://127.0.0.1:8000"
RESOURCE = f"{ISSUER}/graphql"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PURPOSES = [{"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}]
ASK = {"query": "{ catalog { __typename } }"}
USE = {"huitong-purpose": "rent", "huitong-operator": "tester", "accept": "application/graphql-response+json"}
_MODELS = jws.JWSRegistry.algorithms
_NAMES = {"EdDSA": "Ed25519"}


def signed(key: Any, header: dict[str, Any], claims: dict[str, Any] | bytes) -> str:
    """A compact JWS, whatever it says; members that are ``None`` are left out. A key that is bytes signs by HMAC."""
    whole = {name: value for name, value in header.items() if value is not None}
    payload = claims if isinstance(claims, bytes) else json.dumps({name: value for name, value in claims.items() if value is not None}).encode()
    content = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (json.dumps(whole).encode(), payload))
    signature = hmac.digest(key, content, "sha256") if isinstance(key, bytes) else _MODELS[_NAMES.get(whole["alg"], whole["alg"])].sign(content, key)
    return f"{content.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def proof(key: PublicKey, method: str = "POST", uri: str = RESOURCE, token: str | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A DPoP proof. Its ``iat`` is a second ahead, which the hub allows, so that it is never from before the hub's start."""
    sound = {"jti": secrets.token_hex(8), "htm": method, "htu": uri, "iat": int(time.time()) + 1, "ath": token_hash(token) if token else None}
    alg = "ES256" if isinstance(key, ECKey) else "EdDSA"
    return signed(key, {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False), **(header or {})}, {**sound, **claims})


def earlier(hub: Hub) -> TokenIssuer:
    """The hub's own issuer, some seconds ago."""
    return TokenIssuer(ISSUER, hub._keys, clock=lambda: time.time() - 5)


@dataclass
class World:
    """The hub and its clients: ``housing`` with a secret, ``water`` and ``roads`` with a key, ``bound`` with a secret and bound tokens, ``auditor``."""

    core: Core
    keys: dict[str, ECKey]
    hub: Hub = field(init=False)
    http: httpx2.AsyncClient = field(init=False)
    ids: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    statements: list[tuple[int, str]] = field(default_factory=list)
    """Every statement that the control database was sent, and by which thread."""

    def basic(self, name: str, secret: str | None = None) -> dict[str, str]:
        """The header of a client that proves itself by its secret."""
        text = f"{self.ids.get(name, name)}:{secret if secret is not None else self.secrets[name]}"
        return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    def assertion(self, name: str = "water", key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> dict[str, str]:
        """The form fields of a client that proves itself by its key."""
        now, own, client_id = int(time.time()), self.keys[name], self.ids[name]
        sound = {"iss": client_id, "sub": client_id, "aud": ISSUER, "jti": secrets.token_hex(8), "iat": now, "exp": now + 60}
        members = {"alg": "ES256", "typ": "client-authentication+jwt", "kid": own.thumbprint(), **(header or {})}
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed(key or own, members, {**sound, **claims})}

    async def post(self, path: str, form: dict[str, str] | bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
        """A form post."""
        if isinstance(form, bytes):
            return await self.http.post(path, content=form, headers={"content-type": "application/x-www-form-urlencoded", **(headers or {})})
        return await self.http.post(path, data=form, headers=headers)

    async def grant(self, name: str = "housing", headers: dict[str, str] | None = None, **form: str) -> httpx2.Response:
        """A token request of a client that proves itself by its secret."""
        return await self.post("/oauth/token", {"grant_type": "client_credentials", **form}, {**self.basic(name), **(headers or {})})

    async def token(self, name: str = "housing", key: PublicKey | None = None, **form: str) -> str:
        """A token; bound to the key, if one is given."""
        answer = await self.grant(name, {"dpop": proof(key, uri=f"{ISSUER}/oauth/token")} if key else None, **form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def ask(self, authorization: str | None = None, path: str = "/graphql", **headers: str) -> httpx2.Response:
        """A small document of the data endpoint."""
        sent = {**USE, **headers} | ({"authorization": authorization} if authorization is not None else {})
        return await self.http.post(path, json=ASK, headers=sent)

    async def govern(self, document: str, variables: dict[str, Any], name: str = "operator") -> Any:
        """``data`` of a document of the governance endpoint; ``None`` where it is refused as a whole."""
        headers = {"authorization": f"Bearer {await self.token(name)}"}
        answer = await self.http.post("/governance/graphql", json={"query": document, "variables": variables}, headers=headers)
        return answer.json().get("data")

    async def ask_bound(self, token: str, key: PublicKey, **claims: Any) -> httpx2.Response:
        """The same with a bound token and its proof."""
        return await self.ask(f"DPoP {token}", dpop=proof(key, token=token, **claims))

    def own_statements(self) -> int:
        """How many statements this thread sent."""
        return sum(thread == get_ident() for thread, _ in self.statements)

    async def refusals(self) -> Counter[str]:
        """Codes of refusals before authentication that the ledger holds by now."""
        return await self.refused_from(None)

    async def refused_from(self, address: str | None) -> Counter[str]:
        """The same from one network address, or from all."""
        await self.core.log.rollup.flush()
        # What the hub itself was just writing is durable before an entry behind it is.
        await asyncio.sleep(0)
        await self.core.ledger.append(EntryDraft(kind="start", call="barrier", outcome="OK"))
        with self.core.engine.connect() as connection:
            found = calls(connection, CallFilter(kinds=("rollup",)), 1000)
        counted: Counter[str] = Counter()
        for entry in found:
            if address not in (None, entry.content.address):
                continue
            details: dict[str, Any] = dict(entry.content.details or {})
            counted.update({code: int(count) for code, count in details["codes"].items()})
        return counted


def register(world: World) -> None:
    """Publishes a small catalog and registers the clients."""
    service = world.core.sharing
    publish(world.core, SMALL)
    plain: list[tuple[str, list[str], Proving]] = [
        ("housing", [], Proving()),
        ("bound", [], Proving(dpop_bound=True)),
        ("auditor", ["governance:audit"], Proving()),
        ("operator", ["governance:system"], Proving()),
        ("water", [], Proving(jwks=json.dumps(world.keys["water"].as_dict(private=False)))),
        ("roads", [], Proving(jwks=json.dumps(world.keys["roads"].as_dict(private=False)))),
    ]
    for name, roles, proving in plain:
        made = service.create_application(CONSOLE, name, "civil_affairs", PURPOSES, roles, proving=proving)
        world.ids[name], world.secrets[name] = made.client_id, made.client_secret


@asynccontextmanager
async def world_in(directory: Path) -> AsyncIterator[World]:
    """A running hub on a home of its own."""
    with new_core(directory) as core:
        keys = {name: ECKey.generate_key("P-256") for name in ("water", "roads")}
        world = World(core, keys)
        register(world)
        core.registry.refresh()
        event.listen(core.engine, "before_cursor_execute", lambda _c, _cur, statement, *_: world.statements.append((get_ident(), statement)))
        hub = create_app(core)
        async with alive(hub, ISSUER, core.settings.home) as http:
            world.hub, world.http = hub, http
            yield world
