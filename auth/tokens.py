"""Access tokens as JWTs (RFC 9068): making them, and the hub's own strict check of them.

The check is on joserfc directly. Authlib's validator accepts tokens without ``typ`` and scopes in lists, and ``jwt.decode`` looks at
no claim at all: an expired token passes it.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from cachetools import TLRUCache
from joserfc import jws, jwt
from joserfc.errors import JoseError

from auth.claims import MAX_LIFETIME, ClaimFault, check_claims, check_header
from auth.condensed import condensed
from auth.keys import ALGORITHM, KeyRing
from auth.revocations import Revocations

MAX_TOKEN = 8192
"""Characters of a token. Twice this is the limit of a request's headers."""
_CACHED = 10_000


class TokenInvalid(Exception):
    """The token is not to be accepted. ``reason`` is for the log alone: a caller learns only that it must get a new token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenTooLong(Exception):
    """A token with these scopes would not fit into a request's headers: ask for fewer scopes."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a checked token says. Rights follow from live grants as well, never from this alone."""

    client_id: str
    scopes: frozenset[str]
    jti: str
    expires_at: int
    """Unix seconds."""
    issued_at: int
    """Unix seconds."""
    subject: str = ""
    """Who acts: the client itself, or the person who authorized it (``person_…``)."""
    application: str | None = None
    """The client id of the application on whose behalf a person calls."""
    jkt: str | None = None
    """RFC 7638 thumbprint of the key to which the token is bound (RFC 9449 §6.1)."""
    kid: str = ""
    """The key that signed it."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A fresh token, with what the ledger and the answer say of it."""

    token: str = field(repr=False)
    jti: str
    scope: str
    expires_at: int
    """Unix seconds."""


def audience(issuer: str) -> str:
    """The resource for which the hub's tokens are meant, RFC 8707: its GraphQL endpoint."""
    return f"{issuer}/graphql"


class TokenIssuer:
    """Makes access tokens for one issuer."""

    def __init__(self, issuer: str, keys: KeyRing, *, lifetime: int = MAX_LIFETIME, clock: Callable[[], float] = time.time) -> None:
        """``lifetime``: seconds, 1 to 600."""
        if not 0 < lifetime <= MAX_LIFETIME:
            raise ValueError(f"the lifetime of a token must be 1 to {MAX_LIFETIME} seconds, not {lifetime}")
        self.lifetime = lifetime
        self._issuer = issuer
        self._keys = keys
        self._clock = clock

    def issue(
        self,
        client_id: str,
        scopes: Iterable[str],
        *,
        subject: str | None = None,
        application: str | None = None,
        jkt: str | None = None,
        owned: Iterable[str] = (),
    ) -> IssuedToken:
        """A signed token for a client. The caller has checked that the client may have the scopes.

        ``subject``: the person who authorized it, where not the client acts for itself. ``application``: on whose behalf that person
        calls. ``jkt``: thumbprint of the key that must be proven with every use (RFC 9449). ``owned``: all scopes that there are, by which
        those of a token that would be too long are said in fewer words.

        Raises:
            TokenTooLong: too many scopes for one token.
        """
        asked = frozenset(scopes)
        whose = {"subject": subject, "application": application, "jkt": jkt}
        try:
            return self._issue(client_id, asked, **whose)
        except TokenTooLong:
            fewer = condensed(asked, frozenset(owned))
            if fewer == asked:
                raise
            return self._issue(client_id, fewer, **whose)

    def _issue(self, client_id: str, scopes: Iterable[str], subject: str | None, application: str | None, jkt: str | None) -> IssuedToken:
        now = int(self._clock())
        made: dict[str, Any] = {"sub": subject or client_id, "client_id": client_id, "jti": secrets.token_urlsafe(16), "scope": " ".join(sorted(scopes))}
        if application is not None:
            made["application"] = application
        if jkt is not None:
            made["cnf"] = {"jkt": jkt}
        times = {"iat": now, "exp": now + self.lifetime}
        key = self._keys.active
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}
        claims: dict[str, Any] = {"iss": self._issuer, "aud": audience(self._issuer), **made, **times}
        token = jwt.encode(header, claims, key.private, algorithms=[ALGORITHM])
        if len(token) > MAX_TOKEN:
            raise TokenTooLong
        return IssuedToken(token, made["jti"], made["scope"], times["exp"])


class TokenVerifier:
    """Checks access tokens. A signature is checked once per token and process; revocation and standing on every call."""

    def __init__(
        self,
        issuer: str,
        keys: KeyRing,
        revocations: Revocations,
        is_active: Callable[[str], bool],
        *,
        tokens_from: Callable[[str], int] = lambda _party: 0,
        skew: int = 5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``is_active``: whether the client or person of this id, and its department, are in service; must answer from memory.

        ``tokens_from``: Unix seconds before which no token of this client or person counts; likewise from memory.

        ``skew``: seconds, at most 30, that another node's clock may be ahead. It never lengthens a token's life.
        """
        if not 0 <= skew <= 30:
            raise ValueError(f"the clock skew must be 0 to 30 seconds, not {skew}")
        self._issuer = issuer
        self._keys = keys
        self._revocations = revocations
        self._is_active = is_active
        self._tokens_from = tokens_from
        self._skew = skew
        self._clock = clock
        self._registry = jws.JWSRegistry(algorithms=[ALGORITHM])
        self._known: TLRUCache[bytes, AccessToken] = TLRUCache(_CACHED, ttu=_end_of, timer=clock)
        self._using_cache = threading.Lock()
        self.signatures_checked = 0
        """Count of signatures checked since the start; the rest came from the cache."""

    def verify(self, token: str) -> AccessToken:
        """What the token says, if it is to be accepted now.

        Raises:
            TokenInvalid: for whatever is wrong with it.
        """
        if len(token) > MAX_TOKEN or not token.isascii():
            raise TokenInvalid("size or characters")
        digest = hashlib.sha256(token.encode()).digest()
        with self._using_cache:
            access = self._known.get(digest)
        if access is None:
            access = self._check(token)
            with self._using_cache:
                self._known[digest] = access
        self.recheck(access)
        self._check_parties(access)
        return access

    def recheck(self, access: AccessToken) -> None:
        """That a token which was accepted before is still: as far as it depends on more than who its parties are.

        Raises:
            TokenInvalid: it is not.
        """
        # A key that was taken out of the ring ends its tokens, those seen before too.
        if access.kid not in self._keys.verifying:
            raise TokenInvalid("unknown key")
        if access.expires_at <= self._clock():
            raise TokenInvalid("expired")
        if self._revocations.is_revoked(access.jti):
            raise TokenInvalid("revoked")

    def stands(self, access: AccessToken) -> bool:
        """Whether a token that was accepted was not taken back since, nor its parties disabled; that it has expired meanwhile does not matter."""
        try:
            self._check_parties(access)
        except TokenInvalid:
            return False
        return not self._revocations.is_revoked(access.jti)

    def _check_parties(self, access: AccessToken) -> None:
        parties = {access.client_id, access.subject, access.application or access.subject}
        if not all(self._is_active(party) for party in parties):
            raise TokenInvalid("not active")
        if any(access.issued_at < self._tokens_from(party) for party in {access.client_id, access.subject}):
            raise TokenInvalid("from before its party's credentials")

    def _check(self, token: str) -> AccessToken:
        try:
            kid = check_header(token)
            claims = self._verified(token, kid)
            scopes = check_claims(claims, self._issuer, audience(self._issuer), int(self._clock()), self._skew)
        except ClaimFault as fault:
            raise TokenInvalid(str(fault)) from None
        confirmation = claims.get("cnf")
        jkt = confirmation["jkt"] if confirmation else None
        whose = (claims["sub"], claims.get("application"), jkt)
        return AccessToken(claims["client_id"], scopes, claims["jti"], claims["exp"], claims["iat"], *whose, kid)

    def _verified(self, token: str, kid: str) -> Any:
        key = self._keys.verifying.get(kid)
        if key is None:
            raise ClaimFault("unknown key")
        self.signatures_checked += 1
        try:
            return orjson.loads(jws.deserialize_compact(token, key, registry=self._registry).payload)
        except JoseError:
            raise ClaimFault("signature") from None
        except orjson.JSONDecodeError:
            raise ClaimFault("payload is not JSON") from None


def _end_of(_digest: bytes, known: AccessToken, _now: float) -> float:
    return known.expires_at
