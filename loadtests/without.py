"""``BENCH_WITHOUT=rights|coalescing|tokens python -m loadtests.without serve …``: the hub as it would be without one of its features, to compare with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from auth import tokens
from auth.tokens import AccessToken, TokenVerifier
from connectors.coalescing import Coalescing
from hub.api import data
from hub.api.use import check_use
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

    found: list[Any] = []

    def used(*given: Any) -> Any:
        if not found or found[0] is None:
            found[:] = [check_use(*given)]
        return found[0]

    _replace(TokenVerifier, "verify", verified)
    _replace(TokenVerifier, "stands", lambda *_: True)
    _replace(data, "check_use", used)
    for name in ("check_documents", "check_in_force"):
        _replace(data, name, lambda *_: None)


def _replace(owner: Any, name: str, instead: object) -> None:
    if not hasattr(owner, name):
        raise RuntimeError(f"{owner.__name__}.{name} is not there any more: loadtests/without.py must take away something else")
    setattr(owner, name, instead)


FEATURES: Mapping[str, Callable[[], None]] = {"rights": without_rights, "coalescing": without_coalescing, "tokens": without_tokens}


if __name__ == "__main__":
    FEATURES[os.environ[VARIABLE]]()
    main()
