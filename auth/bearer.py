"""The ``Authorization: Bearer`` header and its challenge (RFC 6750, RFC 9728)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from auth.tokens import TokenInvalid

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)\Z")


def bearer_token(authorization: Sequence[str]) -> str | None:
    """The token in a request's ``Authorization`` headers; ``None`` where there is no such header (the public).

    Raises:
        TokenInvalid: several headers, another scheme, or no token in it.
    """
    if not authorization:
        return None
    found = _BEARER.match(authorization[0]) if len(authorization) == 1 else None
    if found is None:
        raise TokenInvalid("not one Bearer header")
    return found[1]


def challenge(metadata_url: str, error: str | None = None) -> str:
    """The ``WWW-Authenticate`` value of a 401 or 403.

    ``metadata_url``: of the protected resource metadata. ``error``: ``invalid_token`` or ``insufficient_scope``; none where no token came.
    """
    parts = ['realm="huitong"', f'resource_metadata="{metadata_url}"']
    if error:
        parts.insert(1, f'error="{error}"')
    return "Bearer " + ", ".join(parts)
