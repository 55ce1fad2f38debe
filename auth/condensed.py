"""Scopes of many resources in few words: what a token says where one for each grant would not fit into a request's headers."""

from __future__ import annotations

from collections.abc import Iterator

from auth.rights import Operation

GRANTED = "granted"
"""``query:granted``: the resources that the application's own grants give for the operation, at the moment of the call. No resource is called so."""

Scopes = frozenset[str]


def condensed(scopes: Scopes, owned: Scopes) -> Scopes:
    """The same in few words, for each operation of which ``scopes`` has all that is ``owned``. Never more than was asked for."""
    made = scopes
    for word, resources in _words(owned):
        if resources <= scopes:
            made = made - resources | {word}
    return made


def expanded(scopes: Scopes, owned: Scopes) -> Scopes:
    """What the scopes of a token mean to who has the ``owned`` ones now; what it does not have is left out."""
    meant = scopes & owned
    for word, resources in _words(owned):
        if word in scopes:
            meant |= resources
    return meant


def askable(owned: Scopes) -> Scopes:
    """What may be asked for: each by its name, and the words that mean many of them."""
    return owned | {word for word, _ in _words(owned)}


def _words(owned: Scopes) -> Iterator[tuple[str, Scopes]]:
    for operation in Operation:
        prefix = f"{operation.scope_prefix}:"
        # A resource's code has its department before a dot; nothing else behind these prefixes has one.
        resources = frozenset(scope for scope in owned if scope.startswith(prefix) and "." in scope)
        if resources:
            yield f"{prefix}{GRANTED}", resources
