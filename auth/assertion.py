"""``private_key_jwt``: a client proves itself by a statement that it signed (RFC 7523 §3), as RFC 10070 narrows it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

from auth.clients import KEY, Client, ClientStore, storable_id
from auth.replay import ReplayStore, once_key
from auth.signed import PublicKey, Signed, SignedFault, take_apart

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519")
LIFETIME = 300
"""Seconds between an assertion's ``iat`` and ``exp``, at most."""
MOST_CHARACTERS = 4096
_TYPES = {"client-authentication+jwt", "application/client-authentication+jwt"}
_HEADER = {"alg", "typ", "kid"}
_JTI = 256


def _nobodys_keys() -> Mapping[str, PublicKey]:
    """A key for each algorithm that no client has: an unknown client's assertion costs what a known one's does."""
    modulus = secrets.randbits(2048) | 1 << 2047 | 1
    rsa = RSAPublicNumbers(65537, modulus).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {"ES256": ECKey.generate_key("P-256", private=False), "PS256": RSAKey.import_key(rsa), "Ed25519": OKPKey.generate_key("Ed25519", private=False)}


_NOBODY = _nobodys_keys()
_NOTHING = Signed({"alg": "ES256"}, {}, b"", bytes(64))
"""What stands for an assertion that cannot be taken apart."""


class Assertions:
    """Proves clients by assertions, with the same work whatever is wrong: one look-up, one signature. Only an assertion that holds is noted as used."""

    def __init__(self, issuer: str, store: ClientStore, replays: ReplayStore, *, skew: int = 5, clock: Callable[[], float] = time.time) -> None:
        """``skew``: seconds that a client's clock may be ahead; it never lengthens an assertion's life."""
        self._issuer = issuer
        self._store = store
        self._replays = replays
        self._skew = skew
        self._clock = clock
        self.signatures_checked = 0
        """Count of signatures checked since the start."""

    def authenticate(self, assertion: str, client_id: str | None) -> Client | None:
        """The client that made the assertion, or ``None`` whatever is wrong. ``client_id``: the form's, which must agree (RFC 7521 §4.2)."""
        signed = _read(assertion)
        named = signed.claims.get("sub")
        client = self._store.find(storable_id(named))
        own = client.keys.find(signed.header.get("kid"), signed.algorithm) if client is not None and client.auth_method == KEY and client.keys else None
        self.signatures_checked += 1
        genuine = signed.is_by(own or _NOBODY.get(signed.algorithm, _NOBODY["ES256"]))
        if client is None or own is None or not genuine or not client.active or client_id not in (None, named):
            return None
        if not (_is_typed(signed.header) and self._holds(signed.claims)):
            return None
        return client if self._replays.use(once_key("assertion", client.client_id, signed.claims["jti"]), signed.claims["exp"]) else None

    def _holds(self, claims: Mapping[str, Any]) -> bool:
        jti, aud = claims.get("jti"), claims.get("aud")
        if claims.get("iss") != claims["sub"] or not isinstance(aud, str) or aud != self._issuer:
            return False
        return isinstance(jti, str) and 0 < len(jti) <= _JTI and self._is_timely(claims)

    def _is_timely(self, claims: Mapping[str, Any]) -> bool:
        issued, ends, begins = claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)
        if type(issued) is not int or type(ends) is not int or type(begins) is not int:
            return False
        now = int(self._clock())
        return now < ends and max(issued, begins) <= now + self._skew and 0 < ends - issued <= LIFETIME


def _read(assertion: str) -> Signed:
    try:
        return take_apart(assertion, MOST_CHARACTERS)
    except SignedFault:
        return _NOTHING


def _is_typed(header: Mapping[str, Any]) -> bool:
    """Typed explicitly (RFC 10070), and with nothing in the header that would name a key or change what is signed."""
    typ = header.get("typ")
    return header.keys() <= _HEADER and isinstance(typ, str) and typ.lower() in _TYPES
