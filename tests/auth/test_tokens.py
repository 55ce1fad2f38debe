"""Attacks on access tokens (cases A2 to A7), each against the hub's own check."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey

from auth.claims import split_scope
from auth.tokens import MAX_TOKEN, TokenInvalid, TokenIssuer, TokenTooLong, TokenVerifier
from tests.auth.support import ISSUER, NOW, World, part

pytestmark = pytest.mark.fast


def _claims(**changed: Any) -> dict[str, Any]:
    whole = {"iss": ISSUER, "aud": f"{ISSUER}/graphql", "sub": "app", "client_id": "app", "jti": "j", "scope": "a b", "iat": NOW, "exp": NOW + 600}
    return {name: value for name, value in {**whole, **changed}.items() if value is not None}


def _signed(world: World, claims: Any, *, key: Any = None, **header: Any) -> str:
    """A token signed with the hub's key, whatever it says."""
    members = {"alg": "ES256", "typ": "at+jwt", "kid": world.keys.active.kid, **header}
    members = {name: value for name, value in members.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=["ES256", "HS256"], strict_check_header=False)
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jws.serialize_compact(members, payload, key or world.keys.active.private, registry=registry)


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _refused(world: World, token: str) -> str:
    with pytest.raises(TokenInvalid) as caught:
        world.verifier.verify(token)
    return caught.value.reason


def test_an_issued_token_is_what_rfc_9068_wants(world: World) -> None:
    issued = world.issuing.issue("app", {"b", "a"})
    assert part(issued.token, 0) == {"alg": "ES256", "typ": "at+jwt", "kid": world.keys.active.kid}
    assert part(issued.token, 1) == _claims(jti=issued.jti)
    access = world.verifier.verify(issued.token)
    assert (access.client_id, access.scopes, access.jti, access.expires_at, access.issued_at) == ("app", frozenset("ab"), issued.jti, NOW + 600, NOW)


def test_a_token_of_the_hubs_key_and_right_claims_passes(world: World) -> None:
    for changed in ({}, {"aud": ["https://other.example", f"{ISSUER}/graphql"]}, {"nbf": NOW}, {"iat": NOW + 5, "exp": NOW + 605}):
        assert world.verifier.verify(_signed(world, _claims(**changed))).scopes == {"a", "b"}
    assert world.verifier.verify(_signed(world, _claims(), typ="application/AT+JWT")).client_id == "app"


def test_a2_no_signature_and_foreign_algorithms(world: World) -> None:
    token = _signed(world, _claims())
    payload, signature = token.split(".")[1:]
    none = _segment(json.dumps({"alg": "none", "typ": "at+jwt", "kid": world.keys.active.kid}).encode())
    assert _refused(world, f"{none}.{payload}.") == "not a compact JWS"
    assert _refused(world, f"{none}.{payload}.{signature}") == "alg"
    stolen = OctKey.import_key(_segment(world.keys.active.public.as_bytes(private=False)))
    assert _refused(world, _signed(world, _claims(), key=stolen, alg="HS256")) == "alg"
    assert world.verifier.signatures_checked == 0


def test_a2_a_key_that_comes_with_the_token_is_not_looked_at(world: World) -> None:
    own = ECKey.generate_key("P-256")
    for members in (
        {"jwk": own.as_dict(private=False)},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/x"},
        {"x5c": ["MII"]},
        {"crit": ["exp"], "exp": 1},
        {"b64": False, "crit": ["b64"]},
    ):
        forged = ".".join([_segment(json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": world.keys.active.kid, **members}).encode()), _segment(b"{}"), "AA"])
        assert _refused(world, forged) in {"header members", "not a compact JWS"}
    assert _refused(world, _signed(world, _claims(), key=own)) == "signature"
    assert _refused(world, _signed(world, _claims(), key=own, kid=own.thumbprint())) == "unknown key"


def test_a2_trap_9_a_token_without_key_id_is_refused_even_if_the_key_fits(world: World) -> None:
    assert _refused(world, _signed(world, _claims(), kid=None)) == "header members"
    for kid in ("../../etc/passwd", "' OR 1=1 --", ""):
        assert _refused(world, _signed(world, _claims(), kid=kid)) == "unknown key"


def test_a2_odd_headers_are_refused_and_never_a_crash(world: World) -> None:
    payload, signature = _signed(world, _claims()).split(".")[1:]
    odd = [
        b'["alg"]',
        b"null",
        b"\xff\xfe",
        b"[" * 300,
        b'{"alg":["ES256"],"typ":"at+jwt","kid":"k"}',
        b'{"alg":"ES256","typ":1,"kid":"k"}',
        b'{"alg":"ES256","typ":"at+jwt","kid":{}}',
        b" " * 400,
    ]
    for header in odd:
        _refused(world, f"{_segment(header)}.{payload}.{signature}")
    for text in ("", ".", "..", "a.b", "a.b.c.d", "A.A.A", "汇.通.码", "a.b.c\n", "x" * (MAX_TOKEN + 1)):
        _refused(world, text)
    assert world.verifier.signatures_checked == 0


def test_a2_a_long_header_is_refused_before_it_is_read(world: World) -> None:
    whole = json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": world.keys.active.kid}).encode()
    padded = _segment(whole.ljust(390))
    assert len(padded) > 512
    assert _refused(world, f"{padded}.e30.AA") == "not a compact JWS"


def test_a2_every_altered_part_breaks_the_signature(world: World) -> None:
    header, payload, signature = _signed(world, _claims()).split(".")
    raised = _segment(json.dumps(_claims(scope="governance:security")).encode())
    assert _refused(world, f"{header}.{raised}.{signature}") == "signature"
    assert _refused(world, f"{header}.{payload}.{_segment(bytes(64))}") == "signature"
    assert _refused(world, f"{header}.{payload}.{signature[:-4]}") == "signature"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": NOW}, "expired"),
        ({"exp": NOW - 1, "iat": NOW - 600}, "expired"),
        ({"nbf": NOW + 31}, "nbf is in the future"),
        ({"iat": NOW + 31, "exp": NOW + 60}, "iat is in the future"),
        ({"exp": str(NOW + 60)}, "exp"),
        ({"exp": NOW + 60.5}, "exp"),
        ({"exp": 10**30}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": "now"}, "iat"),
        ({"nbf": [NOW]}, "nbf"),
        ({"exp": NOW + 315_360_000}, "lifetime"),
        ({"exp": NOW + 601}, "lifetime"),
        ({"exp": None}, "exp"),
        ({"iat": None}, "iat"),
    ],
)
def test_a3_times(world: World, changed: dict[str, Any], reason: str) -> None:
    assert _refused(world, _signed(world, _claims(**changed))) == reason


def test_a3_trap_8_a_well_signed_token_ends_although_jwt_decode_would_take_it(world: World) -> None:
    token = world.issuing.issue("app", ["a"]).token
    world.clock.now = NOW + 600
    assert jwt.decode(token, world.keys.active.public, algorithms=["ES256"]).claims["client_id"] == "app"
    assert _refused(world, token) == "expired"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": f"{ISSUER}/"}, "iss"),
        ({"iss": [ISSUER]}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "app"}, "aud"),
        ({"aud": ISSUER}, "aud"),
        ({"aud": f"{ISSUER}/graphql/"}, "aud"),
        ({"aud": ["https://other.example"]}, "aud"),
        ({"aud": [f"{ISSUER}/graphql", 1]}, "aud"),
        ({"aud": {f"{ISSUER}/graphql": 1}}, "aud"),
        ({"aud": None}, "aud"),
    ],
)
def test_a4_issuer_and_audience(world: World, changed: dict[str, Any], reason: str) -> None:
    assert _refused(world, _signed(world, _claims(**changed))) == reason


def test_a5_only_access_tokens(world: World) -> None:
    assert _refused(world, _signed(world, _claims(), typ=None)) == "header members"
    for typ in ("JWT", "jwt", "", "at+jwt ", "client-authentication+jwt"):
        assert _refused(world, _signed(world, _claims(), typ=typ)) == "typ"
    id_token = {"iss": ISSUER, "aud": "app", "sub": "app", "iat": NOW, "exp": NOW + 60, "nonce": "n"}
    assert _refused(world, jwt.encode({"alg": "ES256", "kid": world.keys.active.kid}, id_token, world.keys.active.private)) == "typ"


@pytest.mark.parametrize("scope", [["a", "b"], "a\tb", "a  b", " a", "a ", "", "a a", "qu\u0435ry:unconditional", 'a"b', "a\\b", 1, None, {}])
def test_a6_scope_is_one_clean_text(world: World, scope: Any) -> None:
    assert _refused(world, _signed(world, _claims(scope=scope))) == "scope"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"sub": "other"}, "sub"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": 1}, "client_id"),
        ({"jti": None}, "jti"),
        ({"application": "app"}, "application"),
        ({"sub": "person_a", "application": ""}, "application"),
        ({"cnf": {"jkt": "short"}}, "cnf"),
        ({"cnf": {"jkt": "j" * 43, "x5t#S256": "x"}}, "cnf"),
        ({"cnf": "j" * 43}, "cnf"),
    ],
)
def test_the_subject_is_the_client_and_the_token_has_an_id(world: World, changed: dict[str, Any], reason: str) -> None:
    assert _refused(world, _signed(world, _claims(**changed))) == reason


def test_a_client_is_never_taken_for_a_person(world: World) -> None:
    assert _refused(world, _signed(world, _claims(client_id="person_a", sub="person_a"))) == "client_id"
    access = world.verifier
    world.clients.by_id["person_a"] = world.clients.by_id["app"]
    assert access.verify(_signed(world, _claims(sub="person_a"))).subject == "person_a"


@pytest.mark.parametrize("payload", [b"[]", b"1", b"not json", b'{"exp": NaN}', b"\xff", b"[" * 3000])
def test_payloads_that_are_no_claims(world: World, payload: bytes) -> None:
    assert _refused(world, _signed(world, payload)) in {"claims are not an object", "payload is not JSON"}


def test_a7_revocation_and_a_disabled_client_work_on_the_next_call_of_a_cached_token(world: World) -> None:
    revoked, kept = world.issuing.issue("app", ["a"]), world.issuing.issue("other", ["a"])
    for issued in (revoked, kept):
        world.verifier.verify(issued.token)
    world.revocations.revoke(revoked.jti, revoked.expires_at)
    assert _refused(world, revoked.token) == "revoked"
    world.verifier.verify(kept.token)
    world.clients.disable("other")
    assert _refused(world, kept.token) == "not active"
    assert world.verifier.signatures_checked == 2


def test_a_signature_is_checked_once_and_the_cache_ends_with_the_token(world: World) -> None:
    token = world.issuing.issue("app", ["a"]).token
    for _ in range(50):
        world.verifier.verify(token)
    assert world.verifier.signatures_checked == 1
    world.clock.now = NOW + 599.9
    world.verifier.verify(token)
    assert world.verifier.signatures_checked == 1
    world.clock.now = NOW + 600
    assert _refused(world, token) == "expired"


def test_a_refusal_is_never_cached_as_good(world: World) -> None:
    early = _signed(world, _claims(nbf=NOW + 60))
    assert _refused(world, early) == "nbf is in the future"
    world.clock.now = NOW + 60
    assert world.verifier.verify(early).client_id == "app"


def test_limits_are_checked_where_they_are_set(world: World) -> None:
    for lifetime in (0, 601):
        with pytest.raises(ValueError, match="1 to 600"):
            TokenIssuer(ISSUER, world.keys, lifetime=lifetime)
    with pytest.raises(ValueError, match="0 to 30"):
        TokenVerifier(ISSUER, world.keys, world.revocations, world.clients.is_active, skew=31)
    with pytest.raises(TokenTooLong):
        world.issuing.issue("app", [f"query:department.resource_{number}" for number in range(400)])


def test_reasons_and_text_forms_hold_nothing_of_the_token(world: World) -> None:
    issued = world.issuing.issue("app", ["a"])
    assert issued.token not in repr(issued)
    forged = issued.token[:-4] + "AAAA"
    assert _refused(world, forged) == "signature"


def test_scopes_are_split_on_single_spaces_only() -> None:
    assert split_scope("b a") == frozenset("ab")
    assert split_scope("a") == frozenset("a")
