"""Requests to the authorization endpoint (RFC 6749 §4.1.1): what is shown on a page, what goes back to the client, what is given a code."""

# Authlib has no annotations.
# mypy: allow-untyped-calls

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError, InvalidScopeError, OAuth2Payload, OAuth2Request, UnsupportedResponseTypeError

from auth.clients import Client
from auth.codes import CODE_SECONDS, CodeRecord, Codes, Mandate
from auth.protocol import TargetRefused
from auth.redirects import with_parameters
from auth.server import OAuthServer
from auth.tokens import audience

PATH = "/oauth/authorize"
MAX_QUERY = 2500
"""Characters of a request's parameters: they come through a login, and through the form of a consent, and back."""
MAX_PARAMETERS = 32
_PLAIN = re.compile(rb"[!-\[\]-~]*\Z")
_JKT = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_REFUSED = ("request", "request_uri", "registration")
"""Parameters that change what all others mean (RFC 9101). To pass them over would be to misread the request."""


class NotForClient(Exception):
    """A request that must not be answered to its redirect URI: it is shown to the person. ``zh`` and ``en`` say what is wrong."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


class SentBack(Exception):
    """A request that is refused by an answer to the client. ``location`` is the whole address; ``code`` the RFC 6749 §4.1.2.1 error."""

    def __init__(self, location: str, code: str, client_id: str) -> None:
        super().__init__(code)
        self.location = location
        self.code = code
        self.client_id = client_id


class _Payload(OAuth2Payload):
    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    @property
    def data(self) -> dict[str, str]:
        return dict(self._pairs)

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        found = defaultdict(list)
        for name, value in self._pairs:
            found[name].append(value)
        return found


class _Request(OAuth2Request):
    """As Authlib reads it. Its address is made of the issuer, never of the Host header."""

    payload: Any

    def __init__(self, issuer: str, pairs: list[tuple[str, str]]) -> None:
        # See auth.protocol.OAuthRequest: plain http was judged when the issuer was set.
        super().__init__("GET", "https://" + issuer.partition("://")[2] + PATH)
        self.payload = _Payload(pairs)

    @property
    def args(self) -> dict[str, str]:
        found: dict[str, str] = self.payload.data
        return found

    @property
    def form(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True, slots=True)
class Asked:
    """A sound request. ``application``: the name of the application that the person wants to act for."""

    client: Client
    redirect_uri: str
    scope: str
    state: str | None
    application: str | None
    query: str
    """All parameters as they were sent."""
    _challenge: str = field(repr=False)
    _jkt: str | None = field(repr=False)

    def record(self, mandate: Mandate, scopes: frozenset[str], now: float) -> CodeRecord:
        """What the code is to stand for."""
        scope = " ".join(sorted(scopes))
        until = int(now) + CODE_SECONDS
        return CodeRecord(self.client.client_id, mandate.person, self.application, self.redirect_uri, scope, self._challenge, self._jkt, until)


def metadata(issuer: str) -> dict[str, Any]:
    """What RFC 8414 metadata says of the authorization endpoint."""
    return {
        "authorization_endpoint": f"{issuer}{PATH}",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }


class Authorizations:
    """The authorization endpoint without its pages."""

    def __init__(self, server: OAuthServer, codes: Codes) -> None:
        self._server = server
        self._codes = codes

    def read(self, query: bytes) -> Asked:
        """The request of a query string.

        Raises:
            NotForClient: it names no client in service with this redirect URI, or cannot be read.
            SentBack: anything else that is wrong.
        """
        request = _Request(self._server.issuer, _pairs(query))
        client, redirect_uri = self._addressee(request)
        try:
            self._check(request)
        except OAuth2Error as error:
            raise self._sent_back(client, redirect_uri, _state(request), error) from None
        data = request.payload.data
        texts = (data.get("scope", ""), _state(request), data.get("application"), query.decode("ascii"))
        return Asked(client, redirect_uri, *texts, data["code_challenge"], data.get("dpop_jkt"))

    def _addressee(self, request: _Request) -> tuple[Client, str]:
        """The client and where to answer it: looked at before anything is sent there (RFC 6749 §4.1.2.1)."""
        every = request.payload.datalist
        if len(every["client_id"]) != 1 or len(every["redirect_uri"]) != 1:
            raise NotForClient("请求须各含一个 client_id 与 redirect_uri", "the request must hold client_id and redirect_uri, once each")
        client = self._server.query_client(every["client_id"][0])
        if client is None or not client.check_redirect_uri(every["redirect_uri"][0]):
            zh = "没有以此回调地址登记的在用应用。回调地址须与登记的逐字一致"
            raise NotForClient(zh, "no application in service is registered with this redirect URI, which must be the same character by character")
        return client.registered, every["redirect_uri"][0]

    def _check(self, request: _Request) -> None:
        sent = request.payload.data
        if any(len(values) > 1 for values in request.payload.datalist.values()):
            raise InvalidRequestError("A parameter is sent more than once.")
        if any(name in sent for name in _REFUSED) or sent.get("response_mode", "query") != "query":
            raise InvalidRequestError("Send plain parameters; the answer comes in the query.")
        if "response_type" not in sent:
            raise InvalidRequestError("The parameter response_type is missing; send code.")
        if sent.get("resource", audience(self._server.issuer)) != audience(self._server.issuer):
            raise TargetRefused(f"The hub's tokens are for one resource: {audience(self._server.issuer)}. Send this, or leave resource out.")
        if "dpop_jkt" in sent and not _JKT.match(sent["dpop_jkt"]):
            raise InvalidRequestError("dpop_jkt must be a SHA-256 thumbprint in Base64url (RFC 9449 section 10).")
        self._server.get_consent_grant(request)

    def grant(self, asked: Asked, person: str) -> tuple[Mandate, frozenset[str]]:
        """What the person is to hand over: what the client asks for, or all that the person has if it names nothing.

        Raises:
            SentBack: the person has not all of it, or does not answer for the application.
        """
        mandate = self._codes.mandates.mandate(person, asked.application)
        if mandate is None:
            raise self.refused(asked, AccessDeniedError("The person does not answer for this application, or it is not in service."))
        wanted = frozenset(asked.scope.split(" ")) if asked.scope else mandate.scopes
        if not wanted or not wanted <= mandate.scopes:
            raise self.refused(asked, InvalidScopeError("The person was not given all of these scopes. Leave scope out to get all that there are."))
        return mandate, wanted

    def approve(self, asked: Asked, mandate: Mandate, scopes: frozenset[str]) -> str:
        """Where to send the browser with a new code. Blocks on the store."""
        code = self._codes.give(asked.record(mandate, scopes, self._codes.clock()))
        return self._answer(asked.redirect_uri, asked.state, {"code": code})

    def denied(self, asked: Asked) -> SentBack:
        """The answer to a client that the person does not want to authorize."""
        return self.refused(asked, AccessDeniedError("The person refused."))

    def refused(self, asked: Asked, error: OAuth2Error) -> SentBack:
        """The answer of an error to a sound request."""
        return self._sent_back(asked.client, asked.redirect_uri, asked.state, error)

    def _sent_back(self, client: Client, redirect_uri: str, state: str | None, error: OAuth2Error) -> SentBack:
        about = "The only response type is code." if isinstance(error, UnsupportedResponseTypeError) else error.description
        found = {"error": str(error.error)} | ({"error_description": about} if about else {})
        return SentBack(self._answer(redirect_uri, state, found), found["error"], client.client_id)

    def _answer(self, redirect_uri: str, state: str | None, parameters: Mapping[str, str]) -> str:
        """With ``iss``, by which a client that knows several servers finds which of them answered (RFC 9207)."""
        whole = {**parameters, **({"state": state} if state else {}), "iss": self._server.issuer}
        return with_parameters(redirect_uri, whole)


def _state(request: _Request) -> str | None:
    """The state, if there is one and no doubt which."""
    sent = request.payload.datalist["state"]
    return sent[0] if len(sent) == 1 else None


def _pairs(query: bytes) -> list[tuple[str, str]]:
    """The parameters; one without a value counts as not sent (RFC 6749 §3.1)."""
    if len(query) > MAX_QUERY or not _PLAIN.match(query):
        raise NotForClient(f"请求参数超过 {MAX_QUERY} 个字符，或含未编码的字符", f"the parameters are longer than {MAX_QUERY} characters, or not encoded")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise NotForClient("请求参数不合格式或过多", "the parameters are ill-formed or too many") from None
    if any("\0" in text for pair in pairs for text in pair):
        raise NotForClient("请求参数含有字符 U+0000", "the parameters hold the character U+0000")
    return [(name, value) for name, value in pairs if value]
