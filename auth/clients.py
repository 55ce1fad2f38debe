"""OAuth clients: a department's applications, and how one proves itself by a secret."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from auth.client_keys import ClientKeys

SECRET = "client_secret_basic"  # noqa: S105 - a method's name
KEY = "private_key_jwt"
"""How a client proves itself, by the names of RFC 7591 §2. Each has exactly one way; a public client has none."""
_ID = re.compile(r"[\x21-\x39\x3b-\x7e]{1,128}\Z")
_NOBODY = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
"""The hash of a secret that nobody holds: compared for an unknown client, so that it costs what a wrong secret costs."""


@dataclass(frozen=True, slots=True)
class Client:
    """An application that may ask for tokens."""

    client_id: str
    secret_hash: str = field(repr=False)
    """As ``hash_secret`` makes it."""
    scopes: frozenset[str]
    """All scopes that it may be given."""
    active: bool
    """Neither the application nor its department is disabled."""
    department: str
    """The department's code."""
    application: str
    """The application's code."""
    redirect_uris: tuple[str, ...] = ()
    """Where authorization codes may be sent; with none, no person can authorize the client."""
    public: bool = False
    """Cannot keep a secret (RFC 6749 §2.1): a page in a browser. Has no scopes of its own."""
    auth_method: str = SECRET
    """``SECRET`` or ``KEY``."""
    keys: ClientKeys | None = field(default=None, repr=False)
    """With ``KEY``: its public keys."""
    dpop_bound: bool = False
    """Every token of it is bound to a key of its own (``dpop_bound_access_tokens``, RFC 9449 §5.2)."""


class ClientStore(Protocol):
    """Where clients are registered. Called from worker threads."""

    def find(self, client_id: str) -> Client | None:
        """The client with exactly this id, active or not; ``None`` if there is none."""


def make_secret() -> str:
    """A new client secret: 32 random bytes in URL-safe Base64 (43 characters)."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What is stored of a secret: its SHA-256 in hex.

    A slow password hash protects guessable secrets. These have 256 random bits, so guessing is hopeless at any speed, and a slow
    hash would only let strangers burn the hub's processors at the token endpoint. Never use this for a secret that a person chose.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


class ClientAuthenticator:
    """Proves clients by id and secret, with the same work whatever is wrong: one look-up, one hash, one comparison."""

    def __init__(self, store: ClientStore, *, same: Callable[[str, str], bool] = hmac.compare_digest) -> None:
        self._store = store
        self._same = same

    def known(self, client_id: str) -> Client | None:
        """The client of this id if it is in service, without any proof that it is the one who asks."""
        client = self._store.find(storable_id(client_id))
        return client if client is not None and client.active else None

    def authenticate(self, client_id: str, secret: str) -> Client | None:
        """The client, or ``None``: unknown, wrong secret, another way or disabled, which the caller must not tell apart (RFC 6749 §5.2)."""
        client = self._store.find(storable_id(client_id))
        own = client if client is not None and client.auth_method == SECRET and not client.public else None
        proven = self._same(hash_secret(secret), own.secret_hash if own else _NOBODY)
        return own if own is not None and proven and own.active else None


def storable_id(client_id: object) -> str:
    """What may be looked up: the id, or nothing where no client can have it."""
    return client_id if isinstance(client_id, str) and _ID.match(client_id) else ""
