"""Revocation and introspection of access tokens, on Authlib's endpoints."""

# Authlib has no annotations.
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from auth.protocol import CODE_METHODS, METHODS, Endpoints, OAuthRequest, RegisteredClient
from auth.tokens import AccessToken, TokenInvalid, audience

INTROSPECT = "introspect"
"""The scope of clients that may introspect everyone's tokens: gateways in front of sources."""


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

    CLIENT_AUTH_METHODS = METHODS

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
        whose = {"client_id": token.client_id, "sub": token.subject, "iss": self.server.issuer, "aud": audience(self.server.issuer)}
        acting = {"application": token.application} if token.application else {}
        bound = {"token_type": "DPoP", "cnf": {"jkt": token.jkt}} if token.jkt else {"token_type": "Bearer"}
        return {"active": True, **bound, "scope": " ".join(sorted(token.scopes)), "jti": token.jti, **whose, **acting, **times}
