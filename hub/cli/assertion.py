"""The command line proves an application by its private key (``private_key_jwt``, RFC 7523 and RFC 10070)."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from auth.assertion import ASSERTION_TYPE
from auth.signed import PublicKey, algorithm_of
from hub.cli.faults import CliFault

_SECONDS = 60
_KINDS: tuple[Any, ...] = (ECKey, OKPKey, RSAKey)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key, and the ``kid`` by which the hub knows its public half."""

    key: PublicKey = field(repr=False)
    kid: str


def read_private_key(path: Path) -> PrivateKey:
    """The key in a file, PEM or JWK. Without ``kid`` it is known by its RFC 7638 thumbprint, as at registration.

    Raises:
        CliFault: no private key that the hub takes.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        given: Any = json.loads(text) if text.lstrip().startswith("{") else text
    except ValueError:
        given = text
    for kind in _KINDS:
        try:
            key = kind.import_key(given)
        except (ValueError, TypeError, AttributeError, JoseError):
            continue
        if key.is_private and algorithm_of(key):
            return PrivateKey(key, key.kid or key.thumbprint())
    hint = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"
    raise CliFault(f"不是可用的私钥 no private key on P-256 or Ed25519 nor RSA of 2048 to 4096 bits, without a password: {path}", hint)


def assertion_form(client_id: str, private: PrivateKey, issuer: str) -> dict[str, str]:
    """The form fields that prove the client to this issuer."""
    now = int(time.time())
    algorithm = algorithm_of(private.key)
    claims = {"iss": client_id, "sub": client_id, "aud": issuer, "jti": secrets.token_urlsafe(16), "iat": now, "exp": now + _SECONDS}
    header = {"alg": algorithm, "typ": "client-authentication+jwt", "kid": private.kid}
    assertion = jwt.encode(header, claims, private.key, algorithms=[algorithm])
    return {"client_id": client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
