"""Authlib's pieces as the hub uses them: request, client, grant, token response, revocation, introspection."""

# Authlib has no annotations.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections import defaultdict
from typing import Any, Protocol

from authlib.oauth2.rfc6749 import (
    ClientMixin,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Payload,
    OAuth2Request,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from auth.claims import split_scope
from auth.clients import Client
from auth.forms import FormPost
from auth.redirects import permits
from auth.revocations import RevocationList
from auth.tokens import AccessToken, TokenInvalid, TokenIssuer, TokenTooLong, TokenVerifier, audience

AUTH_METHOD = "client_secret_basic"
PUBLIC_METHOD = "none"
"""RFC 7591 §2: a public client names itself and proves nothing; what protects its codes is PKCE."""
CODE_METHODS = [PUBLIC_METHOD, AUTH_METHOD]
INTROSPECT = "introspect"
"""The scope of clients that may introspect everyone's tokens: gateways in front of sources."""


class Endpoints(Protocol):
    """What the endpoints need of the server that they are registered with."""

    issuer: str
    verifier: TokenVerifier
    revocations: RevocationList


class ClientRefused(InvalidClientError):
    """The one answer for whatever is wrong with a client: unknown, wrong secret, disabled, another way of proving itself."""

    def __init__(self) -> None:
        super().__init__("Client authentication failed. Send the client's id and secret by HTTP Basic.", status_code=401)

    def get_headers(self) -> list[tuple[str, str]]:
        """As usual, with the realm that RFC 7617 asks for."""
        plain = [pair for pair in super().get_headers() if pair[0] != "WWW-Authenticate"]
        return [*plain, ("WWW-Authenticate", 'Basic realm="huitong", charset="UTF-8"')]


class GrantRefused(UnsupportedGrantTypeError):
    """Another grant type than the one there is; does not repeat what was sent."""

    description = "The grant types are client_credentials and authorization_code."


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
    jkt: str | None = None
    """Thumbprint of the key that the request proves by DPoP (RFC 9449 §5)."""

    def __init__(self, issuer: str, post: FormPost) -> None:
        # Authlib refuses http here unless an environment variable for the whole process is set. The issuer was judged once, by
        # check_issuer, with the operator's word for plain http; so Authlib's check is shown https and the true address put in after it.
        super().__init__("POST", "https://" + issuer.partition("://")[2] + post.path)
        self.uri = issuer + post.path
        self.post = post
        self.payload = _Payload(dict(post.fields))

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
        return " ".join(sorted(wanted)) if wanted and wanted <= owned else None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether the client may prove itself this way."""
        return method == (PUBLIC_METHOD if self.registered.public else AUTH_METHOD)

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client may use this grant."""
        if grant_type == "authorization_code":
            return bool(self.registered.redirect_uris)
        return bool(grant_type == CredentialsGrant.GRANT_TYPE) and not self.registered.public

    def check_response_type(self, response_type: str) -> bool:
        """Whether a person may authorize the client."""
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether the URI is one that is registered."""
        return permits(self.registered.redirect_uris, redirect_uri)

    def get_default_redirect_uri(self) -> None:
        """None: every request names its redirect URI."""


class CredentialsGrant(ClientCredentialsGrant):
    """RFC 6749 §4.4."""

    request: OAuthRequest

    TOKEN_ENDPOINT_AUTH_METHODS = [AUTH_METHOD]  # noqa: RUF012

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The token response. Authlib's own also logs the token at DEBUG."""
        token = self.generate_token(scope=self.request.post.fields.get("scope"), include_refresh_token=False)
        return 200, token, self.TOKEN_RESPONSE_HEADER


class Generator(BearerTokenGenerator):
    """The token response's content. As Authlib's subclass it has ``get_allowed_scope`` applied before a token is made."""

    def __init__(self, tokens: TokenIssuer) -> None:
        super().__init__(self._make, expires_generator=tokens.lifetime)
        self._tokens = tokens

    @staticmethod
    def get_allowed_scope(client: RegisteredClient, scope: str | None) -> str:
        """The scopes of the token.

        Raises:
            InvalidScopeError: the client has not all of them, whether they exist or not.
        """
        allowed = client.get_allowed_scope(scope)
        if allowed is None:
            raise InvalidScopeError("The client was not given all of these scopes. Leave scope out to get all that it has.")
        return allowed

    def _make(self, client: RegisteredClient, grant_type: str, user: None, scope: str) -> str:
        try:
            return self._tokens.issue(client.get_client_id(), scope.split(" ")).token
        except TokenTooLong:
            raise InvalidScopeError("Too many scopes for one token. Name those that this token needs.") from None


class _TokenParameter:
    """Reads and checks the ``token`` parameter. Its type hint is not needed: there is one type of token."""

    server: Endpoints

    def checked(self, form: dict[str, str]) -> AccessToken | None:
        if "token" not in form:
            raise InvalidRequestError("The parameter token is missing.")
        try:
            return self.server.verifier.verify(form["token"])
        except TokenInvalid:
            return None


class Revocation(_TokenParameter, RevocationEndpoint):
    """RFC 7009 for self-contained tokens, by ``jti``. A public client revokes its own as well (§2.1)."""

    CLIENT_AUTH_METHODS = CODE_METHODS

    def authenticate_token(self, request: OAuthRequest, client: RegisteredClient) -> AccessToken | None:
        """The client's own valid token."""
        access = self.checked(request.form)
        if access and access.client_id != client.get_client_id():
            raise InvalidGrantError("The token was not issued to this client.")
        return access

    def revoke_token(self, token: AccessToken, request: OAuthRequest) -> None:
        """Durable and effective on return."""
        self.server.revocations.revoke(token.jti, token.expires_at)


class Introspection(_TokenParameter, IntrospectionEndpoint):
    """RFC 7662."""

    def authenticate_token(self, request: OAuthRequest, client: RegisteredClient) -> AccessToken | None:
        """A valid token that this client may look into."""
        access = self.checked(request.form)
        permitted = access and (access.client_id == client.get_client_id() or INTROSPECT in client.registered.scopes)
        return access if permitted else None

    def create_introspection_payload(self, token: AccessToken | None) -> dict[str, Any]:
        """The claims of an active token, else only that it is not."""
        if token is None:
            return {"active": False}
        times = {"iat": token.issued_at, "exp": token.expires_at}
        whose = {"client_id": token.client_id, "sub": token.client_id, "iss": self.server.issuer, "aud": audience(self.server.issuer)}
        return {"active": True, "token_type": "Bearer", "scope": " ".join(sorted(token.scopes)), "jti": token.jti, **whose, **times}
