"""Opens the hub's home for a command, and says who acts."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager

from hub.acts import Actor
from hub.catalog.scopes import AUDIT, CATALOG, SECURITY, SYSTEM
from hub.core import Core, open_core
from hub.settings import Settings, load_settings

ROLES = frozenset({SYSTEM, SECURITY, AUDIT, CATALOG})
"""Whoever may read the home holds the hub's keys, so the command line asks for no further right; the ledger names who acted."""


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Core]:
    """The core of the home, closed at the end.

    Raises:
        HomeFault: the home was never initialised.
    """
    core = open_core(settings or load_settings())
    try:
        yield core
    finally:
        core.close()


def acting(name: str | None) -> Actor:
    """The actor of a command: ``cli:NAME``, by default the login name. The entry's operator is always the login name."""
    login = _login()
    return Actor(f"cli:{name or login}", None, ROLES, f"cli:{login}")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid{os.getuid()}"
