"""The hub's OAuth 2.0 authorization server, on Authlib's framework-neutral core.

It knows no web framework and blocks on its stores: call it from a worker thread.
"""

# Authlib has no annotations.
# mypy: allow-untyped-calls

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidRequestError, UnsupportedGrantTypeError

from auth.assertion import ASSERTION_TYPE, Assertions
from auth.clients import Client, ClientAuthenticator
from auth.dpop import ProofInvalid, Proofs
from auth.endpoints import Introspection, Revocation
from auth.forms import FormFault, FormPost, basic_credentials
from auth.protocol import (
    PROVEN,
    PUBLIC,
    AskedClient,
    ClientRefused,
    CredentialsGrant,
    GrantRefused,
    OAuthRequest,
    ProofRefused,
    RegisteredClient,
    TargetRefused,
)
from auth.replay import ReplaysFull, ReplayStore
from auth.revocations import RevocationList
from auth.tokens import TokenIssuer, TokenVerifier, audience

_ISSUER = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?\Z")
_CREDENTIALS = ("client_secret", "client_assertion", "client_assertion_type")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back, and for whom it was made."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str]
    client_id: str | None
    """The client, once it has proven who it is; never a mere claim."""

    @property
    def error(self) -> str | None:
        """The RFC 6749 §5.2 error code; ``None`` on success."""
        return self.body.get("error")


def check_issuer(issuer: str, *, plain_http: bool = False) -> str:
    """The issuer, if it can be one (RFC 8414 §2): https, or http on loopback, without path, query or fragment.

    ``plain_http``: let http pass beyond loopback. For a demonstration on a closed network; behind a proxy that ends TLS the issuer is
    the proxy's https address, and this stays off.

    Raises:
        ValueError: names what is wrong and what to write.
    """
    found = _ISSUER.match(issuer)
    if found is None:
        raise ValueError(f"the public URL {issuer!r} must be https://host or https://host:port, in small letters, without path or trailing slash")
    if found["scheme"] == "http" and not plain_http and not _is_loopback(found["host"].strip("[]")):
        raise ValueError(f"the public URL {issuer!r} must begin with https://: tokens and secrets would cross the network in clear")
    return issuer


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class OAuthServer(AuthorizationServer):
    """Issues, revokes and introspects the hub's access tokens.

    No refresh tokens. A client proves itself in the one way that it is registered for; every failure to do so gets the same answer, byte
    for byte. Further grants are added by ``register_grant`` with ``TOKEN_ENDPOINT_AUTH_METHODS`` of ``auth.protocol``.
    """

    def __init__(
        self,
        issuer: str,
        clients: ClientAuthenticator,
        assertions: Assertions,
        tokens: TokenIssuer,
        verifier: TokenVerifier,
        revocations: RevocationList,
        proofs: Proofs,
        *,
        replays: ReplayStore | None = None,
        plain_http: bool = False,
    ) -> None:
        """``replays``: where used proofs are kept besides, for other nodes to see."""
        super().__init__()
        # At DEBUG, Authlib's grants log the tokens that they issue.
        logging.getLogger("authlib").setLevel(logging.INFO)
        self.issuer = check_issuer(issuer, plain_http=plain_http)
        self.tokens = tokens
        self.verifier = verifier
        self.revocations = revocations
        self._clients = clients
        self._assertions = assertions
        self._proofs = proofs
        self._replays = replays
        self.grant_types: list[str] = []
        self.register_client_auth_method(PROVEN, self._authenticate)
        self.register_client_auth_method(PUBLIC, self._public)
        self.register_grant(CredentialsGrant)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)

    def token(self, post: FormPost) -> Answer:
        """RFC 6749 §3.2: an access token, bound to a key if the request proves one (RFC 9449). No scope means all that the client has."""
        if "grant_type" not in post.fields:
            return self.refuse(InvalidRequestError(f"The parameter grant_type is missing; there are: {', '.join(self.grant_types)}."))
        if post.fields.get("resource", audience(self.issuer)) != audience(self.issuer):
            return self.refuse(TargetRefused(f"The hub's tokens are for one resource: {audience(self.issuer)}. Send this, or leave resource out."))
        return self._answer(post, self.create_token_response)

    def revoke(self, post: FormPost) -> Answer:
        """RFC 7009: the client's own token stops working at once. A token that is no (longer) valid is answered as revoked."""
        return self._answer(post, lambda request: self.create_endpoint_response(Revocation.ENDPOINT_NAME, request))

    def introspect(self, post: FormPost) -> Answer:
        """RFC 7662: what a token says, to its own client and to clients with the scope ``introspect``; to others it is not active."""
        return self._answer(post, lambda request: self.create_endpoint_response(Introspection.ENDPOINT_NAME, request))

    def refuse(self, fault: FormFault | OAuth2Error) -> Answer:
        """The answer to a request that is not looked at further."""
        error = InvalidRequestError(str(fault), status_code=fault.status) if isinstance(fault, FormFault) else fault
        status, body, headers = error()
        return Answer(status, body, dict(headers), None)

    def _answer(self, post: FormPost, respond: Callable[[OAuthRequest], tuple[int, dict[str, Any], list[tuple[str, str]]]]) -> Answer:
        request = OAuthRequest(self.issuer, post, self._proven_key)
        status, body, headers = respond(request)
        return Answer(status, body, dict(headers), request.client.get_client_id() if request.client else None)

    def _authenticate(self, _find: object, request: OAuthRequest) -> RegisteredClient:
        client = self._proven(request.post)
        if client is None:
            raise ClientRefused
        request.client = registered = RegisteredClient(client)
        return registered

    def _proven(self, post: FormPost) -> Client | None:
        """The client, if it proves itself in exactly one way."""
        claimed = post.fields.get("client_id")
        if post.authorization:
            credentials = basic_credentials(post.authorization)
            if credentials is None or any(name in post.fields for name in _CREDENTIALS) or claimed not in (None, credentials[0]):
                return None
            return self._clients.authenticate(*credentials)
        if "client_secret" in post.fields or post.fields.get("client_assertion_type") != ASSERTION_TYPE:
            return None
        return self._assertions.authenticate(post.fields.get("client_assertion", ""), claimed)

    def _public(self, _find: object, request: OAuthRequest) -> RegisteredClient | None:
        """A public client, which sends its id alone."""
        post = request.post
        if post.authorization or any(name in post.fields for name in _CREDENTIALS):
            return None
        client = self.query_client(post.fields.get("client_id", ""))
        if client is None or not client.registered.public:
            return None
        request.client = client
        return client

    def _proven_key(self, request: OAuthRequest) -> str | None:
        """The thumbprint of the key that a token request proves (RFC 9449 §5); its proof is used up then."""
        sent, client = request.post.dpop, request.client.registered
        if not sent:
            if client.dpop_bound:
                raise ProofRefused("This client's tokens are bound to a key of its own: send one DPoP header (RFC 9449).")
            return None
        try:
            proof = self._proofs.check(sent, "POST", request.uri)
            self._proofs.take(proof, client.client_id)
        except ProofInvalid as fault:
            raise ProofRefused(f"The DPoP proof does not hold: {fault.reason}.") from None
        except ReplaysFull:
            raise ProofRefused("The hub cannot remember further proofs now; try again a minute later.", status_code=503) from None
        if self._replays is not None and not self._replays.use(proof.key, proof.until):
            raise ProofRefused("The DPoP proof does not hold: used before.")
        return proof.jkt

    def register_grant(self, grant_cls: Any, extensions: Any = None) -> None:
        """As Authlib's; the grant is offered from now on."""
        super().register_grant(grant_cls, extensions)
        self.grant_types.append(grant_cls.GRANT_TYPE)

    def query_client(self, client_id: str) -> AskedClient | None:
        """A client in service, without proof: whom a person is asked to authorize."""
        client = self._clients.known(client_id)
        return AskedClient(client) if client is not None else None

    def save_token(self, token: dict[str, Any], request: OAuthRequest) -> None:
        """Nothing: the token carries all that is known of it."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nothing: the caller records what happened from the ``Answer``."""

    def create_oauth2_request(self, request: OAuthRequest) -> OAuthRequest:
        """The request as it is; it was made for Authlib."""
        return request

    def handle_response(self, status: int, body: dict[str, Any], headers: list[tuple[str, str]]) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The parts of the answer, for any framework."""
        return status, body, headers

    def get_token_grant(self, request: OAuthRequest) -> Any:
        """The grant of this request, else one constant error that echoes nothing."""
        try:
            return super().get_token_grant(request)
        except UnsupportedGrantTypeError:
            raise GrantRefused(self.grant_types) from None
