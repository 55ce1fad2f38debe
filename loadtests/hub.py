"""A hub of its own process over one department, with two applications for the same list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.acts import Actor
from hub.catalog.scopes import CATALOG, SECURITY, SYSTEM
from hub.core import Core, initialise, open_core
from hub.settings import load_settings
from loadtests.persons import MASKED, PURPOSE, grant
from tests.scale.served import Served, serve

CLEAR, HALF = "clear", "half"
"""Applications: one is shown all items in clear, the other some of them masked."""
_CONSOLE = Actor("cli:bench", scopes=frozenset({SYSTEM, SECURITY, CATALOG}))
_STEWARD, _REVIEWER = Actor("steward", scopes=frozenset({SYSTEM, CATALOG})), Actor("reviewer", scopes=frozenset({SECURITY}))


@contextmanager
def serving(home: Path, text: str, module: str = "hub", database: str = "") -> Iterator[Served]:
    """A hub that serves the manifest, from a module that is the command line or stands for it; it ends in the end. ``database`` is its control database."""
    settings = load_settings(home=home, database=database)
    initialise(settings)
    core = open_core(settings)
    try:
        secrets = _stage(core, text)
    finally:
        core.close()
    with serve(home, secrets, module, HUITONG_DATABASE=database) as hub:
        yield hub


def _stage(core: Core, text: str) -> dict[str, tuple[str, str]]:
    made = core.catalog.import_manifest(_STEWARD, text)
    core.catalog.review(_REVIEWER, made.id, True, "bench")
    core.catalog.publish(_REVIEWER, made.id)
    secrets = {}
    for name in (CLEAR, HALF):
        app = core.sharing.create_application(_CONSOLE, name, "register", [PURPOSE], [])
        secrets[name] = (app.client_id, app.client_secret)
        core.sharing.create_grant(_REVIEWER, grant(name, MASKED if name == HALF else {}))
    return secrets
