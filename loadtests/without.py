"""``BENCH_WITHOUT=rights|coalescing|tokens python -m loadtests.without serve …``: the hub as it would be without one of its features, to compare with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from auth import tokens
from auth.rights import Purpose, Use
from auth.tokens import AccessToken, TokenVerifier
from connectors.coalescing import Coalescing
from hub.api import data
from hub.api.prepared import Checks
from hub.cli import main

VARIABLE = "BENCH_WITHOUT"


def without_tokens() -> None:
    """The cache of tokens is away: the signature of each is checked with every call."""
    _replace(tokens, "_end_of", lambda *_: 0)


def without_coalescing() -> None:
    """Each look-up has a statement of its own."""
    _replace(Coalescing, "shares", lambda *_: False)


def without_rights() -> None:
    """What was found right once is taken to be so for ever: standing of token and parties, purpose, trusted documents, withdrawals."""
    known: dict[str, AccessToken] = {}
    verify = TokenVerifier.verify

    def verified(verifier: TokenVerifier, token: str) -> AccessToken:
        if token not in known:
            known[token] = verify(verifier, token)
        return known[token]

    purpose = Checks.purpose
    found: list[Purpose] = []

    def used(checks: Checks, use: Use, *, public: bool) -> Purpose | None:
        if not found and (first := purpose(checks, use, public=public)) is not None:
            found.append(first)
        return found[0] if found else None

    _replace(TokenVerifier, "verify", verified)
    _replace(TokenVerifier, "stands", lambda *_: True)
    _replace(Checks, "purpose", used)
    _replace(data, "check_in_force", lambda *_: None)


def _replace(owner: Any, name: str, instead: object) -> None:
    if not hasattr(owner, name):
        raise RuntimeError(f"{owner.__name__}.{name} is not there any more: loadtests/without.py must take away something else")
    setattr(owner, name, instead)


FEATURES: Mapping[str, Callable[[], None]] = {"rights": without_rights, "coalescing": without_coalescing, "tokens": without_tokens}


if __name__ == "__main__":
    FEATURES[os.environ[VARIABLE]]()
    main()
