"""Authorization codes for people (RFC 6749 §4.1), with PKCE S256 for every client (RFC 7636, RFC 9700 §2.1.1), on Authlib's grant."""

# Authlib has no annotations.
# mypy: allow-untyped-calls

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from auth.protocol import CODE_METHODS, OAuthRequest, RegisteredClient
from auth.revocations import RevocationList
from auth.tokens import IssuedToken, TokenIssuer, TokenTooLong

CODE_SECONDS = 60
_S256 = re.compile(r"[A-Za-z0-9_-]{43}\Z")


@dataclass(frozen=True, slots=True)
class Mandate:
    """What a person may hand to a client at this moment: own scopes, or those of an application that the person answers for."""

    person: str
    """The person's id."""
    scopes: frozenset[str]
    application: str | None = None
    """The application's client id; ``None``: the person acts as itself."""


class Mandates(Protocol):
    """Who may hand over what. Answers from memory."""

    def mandate(self, person: str, application: str | None) -> Mandate | None:
        """The mandate of a person, for itself or for the application of this name.

        ``None``: the person is not in service, does not answer for the application, or the application is not in service.
        """


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """What a code stands for, as Authlib's grant reads it."""

    client_id: str
    person: str
    application: str | None
    """Its name, where the person acts for it."""
    redirect_uri: str
    scope: str
    code_challenge: str
    jkt: str | None
    """Thumbprint of the only DPoP key that may redeem the code (RFC 9449 §10)."""
    until: int
    """Unix seconds."""
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        """Where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scopes of the token."""
        return self.scope


@dataclass(frozen=True, slots=True)
class Taken:
    """A code that was presented. ``first`` is false from the second time on; then ``jti`` is the token that the first gave, if it did."""

    record: CodeRecord
    first: bool
    jti: str | None = None
    token_until: int | None = None


class CodeStore(Protocol):
    """Where codes live, shared by all nodes. Called from worker threads; every change is durable on return."""

    def save(self, code_hash: str, record: CodeRecord) -> None:
        """Keep a new code."""

    def take(self, code_hash: str) -> Taken | None:
        """Count one presentation of a code; of any number at once, one is the first. ``None``: no such code."""

    def gave(self, code_hash: str, jti: str, until: int) -> bool:
        """Note the token that a code gave. False if the code was presented again meanwhile: then the token must not leave."""


def hash_code(code: str) -> str:
    """What is stored of a code: SHA-256 in hex, as of a secret with 256 random bits."""
    return hashlib.sha256(code.encode()).hexdigest()


class CodeRefused(InvalidGrantError):
    """The one answer for whatever is wrong with a code."""

    def __init__(self) -> None:
        super().__init__("The code is not valid: unknown, used, expired, or given for another client, redirect_uri, code_verifier or DPoP key.")


class S256(CodeChallenge):
    """PKCE as the hub wants it of every client: S256, never ``plain``, which is Authlib's default, and never left out."""

    def __init__(self) -> None:
        super().__init__(required=True)

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - Authlib has a list here
    CODE_CHALLENGE_METHODS = {"S256": CodeChallenge.CODE_CHALLENGE_METHODS["S256"]}  # noqa: RUF012 - and a mapping here

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Refuse a request without a challenge, or whose method is not said to be S256 (left out it means ``plain``, RFC 7636 §4.3)."""
        sent = grant.request.payload.data
        if sent.get("code_challenge_method") != "S256" or not _S256.match(sent.get("code_challenge", "")):
            raise InvalidRequestError("PKCE is required: send code_challenge and code_challenge_method=S256 (RFC 7636).")


@dataclass(frozen=True, slots=True)
class Codes:
    """Gives codes and redeems them. Offered by ``server.register_grant(CodeGrant, [S256(), codes])``."""

    store: CodeStore
    mandates: Mandates
    tokens: TokenIssuer
    revocations: RevocationList
    clock: Callable[[], float] = field(default=time.time)

    def __call__(self, grant: CodeGrant) -> None:
        """As Authlib's extension of a grant."""
        grant.codes = self

    def give(self, record: CodeRecord) -> str:
        """A new code: 32 random bytes in URL-safe Base64."""
        code = secrets.token_urlsafe(32)
        self.store.save(hash_code(code), record)
        return code

    def take(self, code: str, client_id: str) -> CodeRecord | None:
        """What the code stands for. Presented once, it is burned, whoever presents it; presented again, what it gave is revoked."""
        taken = self.store.take(hash_code(code))
        if taken is None:
            return None
        if not taken.first:
            if taken.jti is not None and taken.token_until is not None:
                self.revocations.revoke(taken.jti, taken.token_until)
            return None
        return taken.record if taken.record.client_id == client_id and taken.record.until > self.clock() else None

    def redeem(self, code: str, record: CodeRecord, jkt: str | None) -> IssuedToken:
        """The token, for what the person may hand over now.

        Raises:
            CodeRefused: another key, the person lost what it authorized, or the code was presented again meanwhile.
        """
        mandate = self.mandates.mandate(record.person, record.application)
        scopes = frozenset(record.scope.split(" "))
        if mandate is None or not scopes <= mandate.scopes or (record.jkt is not None and record.jkt != jkt):
            raise CodeRefused
        acting = {"subject": record.person, "application": mandate.application}
        issued = self.tokens.issue(record.client_id, scopes, **acting, jkt=jkt, owned=mandate.scopes)
        if not self.store.gave(hash_code(code), issued.jti, issued.expires_at):
            raise CodeRefused
        return issued


class CodeGrant(AuthorizationCodeGrant):
    """RFC 6749 §4.1 at the token endpoint. No refresh tokens: who needs another token logs in again."""

    request: OAuthRequest
    codes: Codes

    TOKEN_ENDPOINT_AUTH_METHODS = CODE_METHODS

    def validate_token_request(self) -> None:
        """As Authlib does, with one answer for whatever is wrong with the code."""
        try:
            super().validate_token_request()
        except InvalidGrantError:
            raise CodeRefused from None

    def query_authorization_code(self, code: str, client: RegisteredClient) -> CodeRecord | None:
        """What the code stands for; burns it."""
        return self.codes.take(code, client.get_client_id())

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The token response. Authlib's own logs the token at DEBUG."""
        codes, jkt = self.codes, self.request.jkt
        try:
            issued = codes.redeem(self.request.post.fields["code"], self.request.authorization_code, jkt)
        except TokenTooLong:
            raise CodeRefused from None
        kind = "DPoP" if jkt else "Bearer"
        body = {"token_type": kind, "access_token": issued.token, "expires_in": codes.tokens.lifetime, "scope": issued.scope}
        return 200, body, self.TOKEN_RESPONSE_HEADER
