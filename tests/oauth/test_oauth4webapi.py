"""oauth4webapi, written by others, drives each flow over a socket and checks the tokens as a resource server would."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oauth.conftest import Served

pytestmark = pytest.mark.slow
REFUSED = {"status": 401, "error": "invalid_client"}


def test_no_flow_failed(flows: dict[str, Any]) -> None:
    assert {name: found["failed"] for name, found in flows.items() if isinstance(found, dict) and "failed" in found} == {}


def test_discovery_of_server_and_resource(served: Served, flows: dict[str, Any]) -> None:
    server, resource = flows["discovery"], flows["protected_resource"]
    assert server["token_endpoint_auth_methods_supported"][0] == "private_key_jwt"
    assert {"ES256", "PS256", "EdDSA"} <= set(server["token_endpoint_auth_signing_alg_values_supported"])
    assert "ES256" in server["dpop_signing_alg_values_supported"]
    assert (resource["resource"], resource["authorization_servers"]) == (f"{served.issuer}/graphql", [served.issuer])
    assert resource["dpop_bound_access_tokens_required"] is False


def test_client_secret_basic(served: Served, flows: dict[str, Any]) -> None:
    found = flows["client_secret_basic"]
    assert (found["given"]["token_type"], found["given"]["expires_in"], found["status"]) == ("bearer", 600, 200)
    assert found["claims"]["client_id"] == found["claims"]["sub"] == served.world.ids["housing"]
    assert found["claims"]["scope"] == "query:unconditional"


def test_refusals_are_rfc_errors(flows: dict[str, Any]) -> None:
    scope, target = {"status": 400, "error": "invalid_scope"}, {"status": 400, "error": "invalid_target"}
    unknown = flows["wrong_secret"][0]
    assert unknown["status"] == 401
    assert flows["wrong_secret"] == [unknown, unknown, unknown, scope, target]


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "Ed25519"])
def test_private_key_jwt_as_rfc_10070_narrows_it(served: Served, flows: dict[str, Any], algorithm: str) -> None:
    """The library's own audience is right, a sole string; its type has to be added, and without it the assertion is refused."""
    found = flows["private_key_jwt"][algorithm]
    assert found["claims"]["client_id"] == served.world.ids[algorithm]
    assert found["untyped"]["status"] == found["several"]["status"] == 401


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_dpop(flows: dict[str, Any], algorithm: str) -> None:
    found = flows["dpop"][algorithm]
    assert (found["token_type"], found["bound"], found["status"], found["again"]) == ("dpop", True, 200, 200)
    assert (found["introspected"]["token_type"], found["introspected"]["active"]) == ("DPoP", True)
    for fault in ("other_key", "bearer"):
        assert found[fault]["status"] == 401
        schemes = {one["scheme"]: one for one in found[fault]["challenges"]}
        assert schemes["dpop"]["error"] == "invalid_token"
        assert "ES256" in schemes["dpop"]["algs"]
        assert schemes["bearer"]["realm"] == "huitong"


def test_an_application_that_is_bound_gets_no_plain_token(flows: dict[str, Any]) -> None:
    assert flows["bound_application"] == {"plain": {"status": 400, "error": "invalid_dpop_proof"}, "token_type": "dpop"}


def test_introspection_and_revocation(served: Served, flows: dict[str, Any]) -> None:
    found = flows["introspection_and_revocation"]
    assert (found["before"]["active"], found["before"]["client_id"]) == (True, served.world.ids["housing"])
    assert found["tampered"] == found["after"] == {"active": False}
    assert found["call"]["status"] == 401
