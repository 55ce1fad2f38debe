"""Authlib's pieces as the hub uses them: request, client, refusals, the grant of a client for itself."""

# Authlib has no annotations.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Protocol

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    ClientMixin,
    InvalidClientError,
    InvalidScopeError,
    OAuth2Payload,
    OAuth2Request,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant

from auth.claims import split_scope
from auth.clients import Client
from auth.condensed import askable
from auth.forms import FormPost
from auth.redirects import permits
from auth.revocations import RevocationList
from auth.tokens import TokenIssuer, TokenTooLong, TokenVerifier

PROVEN = "registered"
"""The client proves itself in the one way that it is registered for. Authlib knows this as one method, so that a proof is looked at once."""
PUBLIC = "none"
"""RFC 7591 §2: a public client names itself and proves nothing; what protects its codes is PKCE."""
METHODS = [PROVEN]
CODE_METHODS = [PUBLIC, PROVEN]
"""Where a public client may come as well: with a code, whose verifier only it knows, and to revoke its own token."""


class Endpoints(Protocol):
    """What the grants and endpoints need of the server that they are registered with."""

    issuer: str
    tokens: TokenIssuer
    verifier: TokenVerifier
    revocations: RevocationList


class ClientRefused(InvalidClientError):
    """The one answer for whatever is wrong with a client: unknown, wrong secret or assertion, disabled, another way of proving itself."""

    def __init__(self) -> None:
        way = "Prove the client in the one way that it is registered for: its secret by HTTP Basic, or an assertion signed with its key."
        super().__init__(f"Client authentication failed. {way}", status_code=401)

    def get_headers(self) -> list[tuple[str, str]]:
        """As usual, with the realm that RFC 7617 asks for."""
        plain = [pair for pair in super().get_headers() if pair[0] != "WWW-Authenticate"]
        return [*plain, ("WWW-Authenticate", 'Basic realm="huitong", charset="UTF-8"')]


class GrantRefused(UnsupportedGrantTypeError):
    """Another grant type than those there are; does not repeat what was sent."""

    def __init__(self, supported: Iterable[str]) -> None:
        super().__init__("")
        self.description = f"This is no grant type of the hub's; it has: {', '.join(supported)}."


class ProofRefused(OAuth2Error):
    """The proof of possession of a token request is missing or wrong (RFC 9449 §5)."""

    error = "invalid_dpop_proof"


class TargetRefused(OAuth2Error):
    """The token is wanted for another resource than the hub's (RFC 8707 §2)."""

    error = "invalid_target"


class _Payload(OAuth2Payload):
    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    @property
    def data(self) -> dict[str, str]:
        return self._fields

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return defaultdict(list, {name: [value] for name, value in self._fields.items()})


class OAuthRequest(OAuth2Request):
    """A form post as Authlib reads it. Its address is built from the issuer, never from the Host header."""

    client: Any
    """The ``RegisteredClient``, once it has proven itself."""
    payload: Any
    authorization_code: Any

    def __init__(self, issuer: str, post: FormPost, prove: Callable[[OAuthRequest], str | None]) -> None:
        """``prove``: checks the request's proof of possession, see ``jkt``."""
        # Authlib refuses http here unless an environment variable for the whole process is set. The issuer was judged once, by
        # check_issuer, with the operator's word for plain http; so Authlib's check is shown https and the true address put in after it.
        super().__init__("POST", "https://" + issuer.partition("://")[2] + post.path)
        self.uri = issuer + post.path
        self.post = post
        self.payload = _Payload(dict(post.fields))
        self._prove = prove

    @cached_property
    def jkt(self) -> str | None:
        """The thumbprint of the key to which the token is to be bound; ``None``: it is a plain one. To be asked once the client is proven.

        Raises:
            ProofRefused: the proof is wrong, or missing where the client's tokens need one.
        """
        return self._prove(self)

    @property
    def args(self) -> dict[str, str]:
        """Nothing: parameters in the address are refused before this."""
        return {}

    @property
    def form(self) -> dict[str, str]:
        """The form's fields."""
        return dict(self.post.fields)


class RegisteredClient(ClientMixin):
    """A proven client as Authlib sees it. Has no text form, so that no log can hold more than its class."""

    def __init__(self, client: Client) -> None:
        self.registered = client

    def get_client_id(self) -> str:
        """The client's id."""
        return self.registered.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """All scopes asked for, or all that the client has if it asks for none; ``None`` if one is not the client's: none is dropped."""
        owned = self.registered.scopes
        wanted = split_scope(scope) if scope else owned
        return " ".join(sorted(wanted)) if wanted and wanted <= askable(owned) else None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether the client may prove itself this way; it has done so."""
        return (method == PUBLIC) == self.registered.public

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client may use this grant: codes where they can be sent to it, its own rights where it can prove itself."""
        return bool(self.registered.redirect_uris) if grant_type == "authorization_code" else not self.registered.public

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether codes may be sent there."""
        return permits(self.registered.redirect_uris, redirect_uri)

    def check_response_type(self, response_type: str) -> bool:
        """Whether a person may authorize the client: by codes alone, there is no implicit flow (RFC 9700 §2.1.2)."""
        return response_type == "code" and self.check_grant_type("authorization_code")

    def get_default_redirect_uri(self) -> None:
        """None: every request names its redirect URI."""


class AskedClient(RegisteredClient):
    """A client that a person is asked to authorize. The scopes are the person's: here they must be well written, no more."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scope as it stands, ``None`` if it is ill-formed."""
        return scope or "" if not scope or split_scope(scope) is not None else None


class CredentialsGrant(ClientCredentialsGrant):
    """RFC 6749 §4.4."""

    request: OAuthRequest
    server: Endpoints

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The token response. Authlib's own also logs the token at DEBUG, and drops scopes that the client does not have."""
        client: RegisteredClient = self.request.client
        asked = self.request.post.fields.get("scope")
        allowed = client.get_allowed_scope(asked)
        if allowed is None:
            if asked is not None and split_scope(asked) is None:
                raise InvalidScopeError("Write scopes in ASCII, each once, with a single blank between two and none at either end.")
            raise InvalidScopeError("The client was not given all of these scopes. Leave scope out to get all that it has.")
        try:
            issued = self.server.tokens.issue(client.get_client_id(), allowed.split(" "), jkt=self.request.jkt, owned=client.registered.scopes)
        except TokenTooLong:
            raise InvalidScopeError("Too many scopes for one token. Name those that this token needs.") from None
        kind = "DPoP" if self.request.jkt else "Bearer"
        body = {"token_type": kind, "access_token": issued.token, "expires_in": self.server.tokens.lifetime, "scope": issued.scope}
        return 200, body, self.TOKEN_RESPONSE_HEADER
