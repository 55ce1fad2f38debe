"""The ``Authorization`` header with a token, and the challenge to a request without a good one (RFC 6750, RFC 9449, RFC 9728)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from auth.dpop import ALGORITHMS
from auth.tokens import TokenInvalid

# White space behind a field's value is no part of it (RFC 9110 §5.5); the parser of HTTP leaves it there.
_AUTHORIZATION = re.compile(r"(?i:bearer|(dpop)) +([A-Za-z0-9._~+/-]+=*)[ \t]*\Z")
INVALID_TOKEN = "invalid_token"  # noqa: S105 - an error code
INVALID_PROOF = "invalid_dpop_proof"
INSUFFICIENT_SCOPE = "insufficient_scope"
_SCHEMES = ("bearer", "dpop")


@dataclass(frozen=True, slots=True)
class Presented:
    """A token as it was sent. ``proven``: by the DPoP scheme, so that a proof must stand beside it."""

    token: str = field(repr=False)
    proven: bool


def presented_token(authorization: Sequence[str]) -> Presented | None:
    """The token in a request's ``Authorization`` headers; ``None`` where there is no such header (the public).

    Raises:
        TokenInvalid: several headers, another scheme, or no token in it.
    """
    if not authorization:
        return None
    found = _AUTHORIZATION.match(authorization[0]) if len(authorization) == 1 else None
    if found is None:
        raise TokenInvalid("not one Bearer or DPoP header")
    return Presented(found[2], found[1] is not None)


def names_scheme(authorization: Sequence[str]) -> bool:
    """Whether a token was meant to be sent. To other schemes a challenge names no error (RFC 6750 §3.1)."""
    return any(value.strip(" ").partition(" ")[0].lower() in _SCHEMES for value in authorization)


def challenge(metadata_url: str, error: str | None = None) -> str:
    """The ``WWW-Authenticate`` value of a 401 or 403: both ways in which a token may be sent.

    ``metadata_url``: of the protected resource metadata. ``error``: ``invalid_token``, ``insufficient_scope`` or ``invalid_dpop_proof``; none where no
    token came.
    """
    told = [f'error="{error}"'] if error else []
    bearer = ['realm="huitong"', *(told if error != INVALID_PROOF else ()), f'resource_metadata="{metadata_url}"']
    algorithms = " ".join(ALGORITHMS)
    proven = [*told, f'algs="{algorithms}"']
    return f"Bearer {', '.join(bearer)}, DPoP {', '.join(proven)}"
