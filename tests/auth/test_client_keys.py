"""Public keys at registration: what is stored, and what is refused with its reason."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from auth.client_keys import KeysRefused, key_ids, read_keys, stored_keys

pytestmark = pytest.mark.fast
EC, ED, RSA = ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)

SHORT = RSAPublicNumbers(65537, (1 << 1023) + 1155).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _set(*keys: Any, private: bool = False, **more: Any) -> str:
    return json.dumps({"keys": [{**key.as_dict(private=private), **more} for key in keys]})


def test_public_members_are_stored_and_nothing_else() -> None:
    kept = json.loads(read_keys(_set(EC, ED, RSA, x5u="https://evil.example/cert", ext=True)))["keys"]
    assert [set(key) - {"kty", "use", "alg", "kid"} for key in kept] == [{"crv", "x", "y"}, {"crv", "x"}, {"n", "e"}]
    assert [key["alg"] for key in kept] == ["ES256", "Ed25519", "PS256"]
    assert [key["kid"] for key in kept] == [EC.thumbprint(), ED.thumbprint(), RSA.thumbprint()]


@pytest.mark.parametrize("key", [EC, ED, RSA], ids=["EC", "Ed25519", "RSA"])
def test_a_single_key_as_jwk_or_pem_is_the_same(key: Any) -> None:
    pem = key.as_pem(private=False).decode()
    assert read_keys(pem) == read_keys(json.dumps(key.as_dict(private=False))) == read_keys(_set(key))
    assert key_ids(read_keys(pem + EC.as_pem(private=False).decode() if key is not EC else pem))[0] == key.thumbprint()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (_set(EC, private=True), "private"),
        (_set(ED, private=True), "private"),
        (_set(RSA, private=True), "private"),
        (_set(OctKey.generate_key(256), private=True), "private or shared"),
        (EC.as_pem(private=True).decode(), "private"),
        (_set(ECKey.generate_key("P-384")), "no public key on P-256"),
        (_set(ECKey.generate_key("secp256k1")), "no public key on P-256"),
        (_set(OKPKey.generate_key("X25519")), "no public key on P-256"),
        (_set(OKPKey.generate_key("Ed448")), "no public key on P-256"),
        (SHORT, "no public key on P-256"),
        (json.dumps({"kty": "RSA", "e": "AQAB", "n": "A" * 171}), "no public key on P-256"),
        ('{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}', "no public key on P-256"),
        ('{"keys": [{"kty": "EC", "crv": "P-256"}]}', "no public key on P-256"),
        ('{"keys": ["x"]}', "no public key on P-256"),
        ('{"keys": [{"kty": ["EC"]}]}', "no public key on P-256"),
        (_set(EC, EC), "same kid"),
        (_set(EC, ED, kid="one"), "same kid"),
        (_set(EC, kid=7), "kid that is no short text"),
        (_set(EC, kid="k" * 129), "kid that is no short text"),
        (_set(EC, kid="a\nb"), "kid that is no short text"),
        (_set(EC, use="enc"), "another use"),
        (_set(EC, alg="ES384"), "another use"),
        (_set(RSA, alg="RS256"), "another use"),
        (_set(EC, key_ops=["sign"]), "another use"),
        ('{"keys": []}', "1 to 8"),
        (_set(*[ECKey.generate_key("P-256") for _ in range(9)]), "1 to 8"),
        ("{}", "no JWK Set"),
        ("[]", "no JWK Set"),
        ("", "no JWK Set"),
        ("\ud800", "no JWK Set"),
        ("[" * 20_000, "no JWK Set"),
        ('{"keys": [], "keys": []}', "no JWK Set"),
        ("x" * 40_000, "longer than"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "no public key"),
    ],
    # Keys are drawn anew in every process, names of tests must not be.
    ids=count(),
)
def test_what_is_refused_and_why(text: str, reason: str) -> None:
    with pytest.raises(KeysRefused, match=reason) as refused:
        read_keys(text)
    assert refused.value.zh
    assert refused.value.hint


def test_a_private_key_is_never_repeated() -> None:
    with pytest.raises(KeysRefused) as refused:
        read_keys(_set(EC, private=True))
    assert str(EC.as_dict(private=True)["d"]) not in str(refused.value)
    assert "must not be used any more" in str(refused.value)


def test_a_key_is_found_by_its_id_or_as_the_only_one_of_its_algorithm() -> None:
    other = ECKey.generate_key("P-256")
    found = stored_keys(read_keys(_set(EC, ED, other)))
    by_id, by_algorithm = found.find(EC.thumbprint(), "ES256"), found.find(None, "Ed25519")
    assert by_id is not None
    assert by_algorithm is not None
    assert (by_id.thumbprint(), by_algorithm.thumbprint()) == (EC.thumbprint(), ED.thumbprint())
    assert [found.find(kid, alg) for kid, alg in ((None, "ES256"), (EC.thumbprint(), "Ed25519"), ("x", "ES256"), (7, "ES256"), (None, "PS256"))] == [None] * 5
