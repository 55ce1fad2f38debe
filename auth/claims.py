"""What must stand in an access token's header and claims (RFC 9068 §4, RFC 8725), checked value by value."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import orjson

from auth.keys import ALGORITHM

MAX_LIFETIME = 600
"""Seconds between a token's ``iat`` and ``exp``, at most."""
PERSON = "person_"
"""How the ids of people begin; no client's does."""
_MAX_HEADER = 512
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
_TYPES = {"at+jwt", "application/at+jwt"}
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z")


class ClaimFault(Exception):
    """A header member or claim is missing or wrong. ``str()`` names it and holds none of the token's text."""


def split_scope(scope: str) -> frozenset[str] | None:
    """The scopes in a ``scope`` text: RFC 6749 §3.3 tokens between single spaces, none twice. ``None`` if it is not so written."""
    parts = scope.split(" ")
    if not all(_SCOPE.match(part) for part in parts) or len(set(parts)) != len(parts):
        return None
    return frozenset(parts)


def check_header(token: str) -> str:
    """The key id from a compact JWS whose header holds ``alg``, ``typ`` and ``kid`` and nothing else.

    Nothing else, because every other member (``jwk``, ``jku``, ``x5u``, ``crit``, ``b64`` …) either names a key or changes what is signed.

    Raises:
        ClaimFault: not a compact JWS, or another header.
    """
    found = _COMPACT.match(token)
    if not found or len(found[1]) > _MAX_HEADER:
        raise ClaimFault("not a compact JWS")
    header = _decode(found[1])
    if not isinstance(header, dict) or header.keys() != {"alg", "typ", "kid"}:
        raise ClaimFault("header members")
    if header["alg"] != ALGORITHM:
        raise ClaimFault("alg")
    if not isinstance(header["typ"], str) or header["typ"].lower() not in _TYPES:
        raise ClaimFault("typ")
    if not isinstance(header["kid"], str):
        raise ClaimFault("kid")
    return header["kid"]


def _decode(segment: str) -> Any:
    try:
        return orjson.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (binascii.Error, orjson.JSONDecodeError):
        raise ClaimFault("header is not JSON") from None


def check_claims(claims: Any, issuer: str, audience: str, now: int, skew: int) -> frozenset[str]:
    """The scopes of a token whose every claim is as it must be. ``now``: Unix seconds; ``skew``: seconds.

    Raises:
        ClaimFault: a claim is missing, of the wrong type or of the wrong value.
    """
    if not isinstance(claims, dict):
        raise ClaimFault("claims are not an object")
    if claims.get("iss") != issuer:
        raise ClaimFault("iss")
    if not _is_for(claims.get("aud"), audience):
        raise ClaimFault("aud")
    _check_times(claims, now, skew)
    for name in ("client_id", "jti"):
        if not isinstance(claims.get(name), str) or not claims[name]:
            raise ClaimFault(name)
    _check_parties(claims)
    scope = claims.get("scope")
    scopes = split_scope(scope) if isinstance(scope, str) else None
    if scopes is None:
        raise ClaimFault("scope")
    return scopes


def _check_parties(claims: dict[str, Any]) -> None:
    """A client acts for itself, or a person through it; only a person acts for an application; ``cnf`` names one key (RFC 9449 §6.1)."""
    subject = claims.get("sub")
    person = isinstance(subject, str) and subject.startswith(PERSON)
    if claims["client_id"].startswith(PERSON):
        raise ClaimFault("client_id")
    if subject != claims["client_id"] and not person:
        raise ClaimFault("sub")
    if "application" in claims and not (person and isinstance(claims["application"], str) and claims["application"]):
        raise ClaimFault("application")
    if "cnf" in claims:
        bound = claims["cnf"]
        if not isinstance(bound, dict) or bound.keys() != {"jkt"} or not isinstance(bound["jkt"], str) or not _THUMBPRINT.match(bound["jkt"]):
            raise ClaimFault("cnf")


def _is_for(aud: object, audience: str) -> bool:
    if isinstance(aud, list):
        return all(isinstance(one, str) for one in aud) and audience in aud
    return aud == audience


def _check_times(claims: dict[str, Any], now: int, skew: int) -> None:
    issued, ends = _seconds(claims, "iat"), _seconds(claims, "exp")
    if ends <= now:
        raise ClaimFault("expired")
    if issued > now + skew:
        raise ClaimFault("iat is in the future")
    if not 0 < ends - issued <= MAX_LIFETIME:
        raise ClaimFault("lifetime")
    if "nbf" in claims and _seconds(claims, "nbf") > now + skew:
        raise ClaimFault("nbf is in the future")


def _seconds(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:
        raise ClaimFault(name)
    return value
