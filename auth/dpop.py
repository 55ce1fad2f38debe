"""Proofs of possession (DPoP, RFC 9449): that whoever uses a token holds the key to which it is bound."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from auth.replay import ReplayCache, once_key
from auth.signed import PublicKey, SignedFault, algorithm_of, take_apart

ALGORITHMS = ("ES256", "EdDSA", "Ed25519")
"""RSA keys are too long for a header that comes with every call."""
MAX_AGE = 60
"""Seconds for which a proof may be used after its ``iat``."""
MOST_CHARACTERS = 2048
_HEADER = {"alg", "typ", "jwk"}
_MEMBERS: Mapping[str, tuple[Any, frozenset[str]]] = {
    "EC": (ECKey, frozenset({"kty", "crv", "x", "y"})),
    "OKP": (OKPKey, frozenset({"kty", "crv", "x"})),
}
_NAMING = {"kid", "alg", "use", "key_ops", "ext"}
"""What else a public JWK may say; it is not looked at."""
_JTI = 256
_PORTS = {"http": 80, "https": 443}


class ProofInvalid(Exception):
    """A proof is not to be accepted. ``reason`` is for the log alone and holds none of its text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is genuine and fits its request; it counts only once it is taken."""

    jkt: str
    """RFC 7638 thumbprint of its key."""
    key: str
    """Under which its use is remembered."""
    until: int
    """Unix seconds to which it must be remembered."""


class Proofs:
    """Checks proofs. Safe to use from any thread; never blocks on a store."""

    def __init__(self, cache: ReplayCache | None = None, *, skew: int = 5, since: int | None = None, clock: Callable[[], float] = time.time) -> None:
        """``skew``: seconds that a caller's clock may be ahead. ``since``: Unix seconds since which used proofs are remembered; else from now on."""
        self._cache = cache or ReplayCache(clock=clock)
        self._skew = skew
        self._clock = clock
        # What was used before the start is not known any more. A second that had begun by then counts as before.
        self._since = int(clock()) if since is None else since
        self.signatures_checked = 0
        """Count of signatures checked since the start."""

    def check(self, sent: Sequence[str], method: str, uri: str, token: str | None = None) -> Proof:
        """The proof in a request's ``DPoP`` headers (RFC 9449 §4.3). ``uri``: without query; ``token``: the access token that it comes with.

        Raises:
            ProofInvalid: for whatever is wrong with it.
        """
        if len(sent) != 1:
            raise ProofInvalid("not one DPoP header")
        try:
            signed = take_apart(sent[0], MOST_CHARACTERS)
        except SignedFault as fault:
            raise ProofInvalid(str(fault)) from None
        key = _key(signed.header)
        self._check_claims(signed.claims, method, uri, token)
        self.signatures_checked += 1
        if not signed.is_by(key):
            raise ProofInvalid("signature")
        jkt = key.thumbprint()
        return Proof(jkt, once_key("proof", jkt, signed.claims["jti"]), signed.claims["iat"] + MAX_AGE)

    def take(self, proof: Proof, owner: str) -> None:
        """Counts a proof as used in this process. ``owner``: the client on whose account it is remembered.

        Raises:
            ProofInvalid: it was used before.
            ReplaysFull: no further use can be remembered.
        """
        if not self._cache.use(proof.key, proof.until, owner):
            raise ProofInvalid("used before")

    def _check_claims(self, claims: Mapping[str, Any], method: str, uri: str, token: str | None) -> None:
        jti, htu, issued = claims.get("jti"), claims.get("htu"), claims.get("iat")
        if not isinstance(jti, str) or not 0 < len(jti) <= _JTI:
            raise ProofInvalid("jti")
        if claims.get("htm") != method:
            raise ProofInvalid("htm")
        if not isinstance(htu, str) or _place(htu) is None or _place(htu) != _place(uri):
            raise ProofInvalid("htu")
        now = int(self._clock())
        if type(issued) is not int or not now - MAX_AGE < issued <= now + self._skew:
            raise ProofInvalid("iat")
        if issued <= self._since:
            raise ProofInvalid("from before the start")
        if token is not None and claims.get("ath") != token_hash(token):
            raise ProofInvalid("ath")


def token_hash(token: str) -> str:
    """``ath``: the token's SHA-256 in Base64url (RFC 9449 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def _key(header: Mapping[str, Any]) -> PublicKey:
    """The public key in a proof's header, which holds nothing else beside type and algorithm."""
    jwk = header.get("jwk")
    if header.keys() != _HEADER or header["typ"] != "dpop+jwt" or header["alg"] not in ALGORITHMS or not isinstance(jwk, dict):
        raise ProofInvalid("header")
    kind, members = _MEMBERS.get(str(jwk.get("kty")), (None, frozenset[str]()))
    if kind is None or not members <= jwk.keys() <= members | _NAMING:
        raise ProofInvalid("jwk")
    try:
        key: PublicKey = kind.import_key({name: jwk[name] for name in members})
    except (ValueError, TypeError, AttributeError, JoseError):
        raise ProofInvalid("jwk") from None
    if algorithm_of(key) not in ALGORITHMS:
        raise ProofInvalid("jwk")
    return key


def _place(uri: str) -> tuple[str, str, int | None, str] | None:
    """An address without query and fragment, with scheme, host and port as RFC 3986 §6.2 compares them."""
    # urlsplit would pass over tabs, line breaks and blanks at the ends.
    if not uri.isascii() or not uri.isprintable() or " " in uri:
        return None
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    if parts.username is not None or parts.hostname is None:
        return None
    return parts.scheme, parts.hostname, _PORTS.get(parts.scheme) if port is None else port, parts.path or "/"
