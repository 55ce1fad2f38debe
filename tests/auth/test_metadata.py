"""The published keys and metadata (RFC 7517, 8414, 9728), and the protected side (A1)."""

# Authlib has no annotations.
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.auth.support import ISSUER, World, basic

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


async def _get(world: World, path: str) -> Any:
    async with world.http() as http:
        answer = await http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    return answer.json()


async def test_server_metadata_is_rfc_8414s_and_names_no_resource(world: World) -> None:
    document = await _get(world, "/.well-known/oauth-authorization-server")
    assert document["response_types_supported"] == []
    # Authlib's model takes an empty list for a missing one; a server without an authorization endpoint has no other.
    AuthorizationServerMetadata({**document, "response_types_supported": ["none"]}).validate()
    assert document["issuer"] == ISSUER
    assert document["grant_types_supported"] == ["client_credentials"]
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt", "client_secret_basic"]
    assert document["scopes_supported"] == ["governance:audit", "query:unconditional"]
    assert "civil_affairs" not in str(document)
    assert "authorization_endpoint" not in document


async def test_trap_4_every_address_comes_from_the_issuer_and_leads_somewhere(world: World) -> None:
    document = await _get(world, "/.well-known/oauth-authorization-server")
    addresses = {name: value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(addresses) == 4
    async with world.http() as http:
        for address in addresses.values():
            assert address.startswith(f"{ISSUER}/")
            assert (await http.get(address.removeprefix(ISSUER))).status_code in {200, 405}


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/graphql"])
async def test_resource_metadata_is_rfc_9728s(world: World, path: str) -> None:
    document = await _get(world, path)
    assert document["resource"] == f"{ISSUER}/graphql"
    assert document["authorization_servers"] == [ISSUER]
    assert document["bearer_methods_supported"] == ["header"]


async def test_a_token_verifies_with_the_published_keys_alone(world: World) -> None:
    published = KeySet.import_key_set(await _get(world, "/oauth/jwks"))
    token = (await world.token()).json()["access_token"]
    assert jwt.decode(token, published, algorithms=["ES256"]).claims["client_id"] == "app"


async def test_there_is_no_authorization_endpoint(world: World) -> None:
    async with world.http() as http:
        assert (await http.get("/oauth/authorize")).status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YXBwOmFwcC1zZWNyZXQ=", "Bearer a b", "Bearer 汇", "bearer a,b", "Token abc", "Bearer x"])
async def test_a1_other_authorization_headers_are_401_with_a_challenge(world: World, header: str) -> None:
    async with world.http() as http:
        answer = await http.get("/protected", headers=[(b"authorization", header.encode())])
    assert answer.status_code == 401
    challenge = f'Bearer realm="huitong", error="invalid_token", resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/graphql"'
    assert answer.headers["www-authenticate"] == f'{challenge}, DPoP error="invalid_token", algs="ES256 EdDSA Ed25519"'
    assert answer.content == b""


async def test_a1_without_a_token_the_challenge_names_no_error(world: World) -> None:
    async with world.http() as http:
        answer = await http.get("/protected")
    assert answer.status_code == 401
    assert "error=" not in answer.headers["www-authenticate"]


async def test_a1_two_headers_even_with_a_good_token(world: World) -> None:
    good = f"Bearer {(await world.token()).json()['access_token']}"
    async with world.http() as http:
        assert (await http.get("/protected", headers={"authorization": good.replace("Bearer", "bEARER ")})).status_code == 200
        for other in (good, basic("app")["authorization"]):
            answer = await http.get("/protected", headers=[("authorization", good), ("authorization", other)])
            assert answer.status_code == 401
