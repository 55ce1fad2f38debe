"""Initialised homes, and actors who may act in them."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from hub.acts import Actor
from hub.catalog.problems import Problem, Refused
from hub.core import Core, initialise, open_core
from hub.settings import Settings

STEWARD = Actor("steward", "civil_affairs", frozenset({"governance:steward"}))
IMPORTER = Actor("importer", None, frozenset({"governance:catalog"}))
SECURITY = Actor("security_admin", None, frozenset({"governance:security"}))
SYSTEM = Actor("system_admin", None, frozenset({"governance:system"}))
CONSOLE = Actor("console", None, frozenset({"governance:system", "governance:security", "governance:audit"}))
NOBODY = Actor("nobody")


@cache
def _template() -> Path:
    directory = mkdtemp(prefix="huitong-test-")
    atexit.register(shutil.rmtree, directory)
    home = Path(directory) / "home"
    initialise(Settings(home=home))
    return home


@contextmanager
def new_core(directory: Path, **settings: Any) -> Iterator[Core]:
    """A hub on a new home of its own, with further settings."""
    home = directory / "home"
    shutil.copytree(_template(), home)
    # A child process for a handful of rows would cost more than all the rest.
    core = open_core(Settings(home=home, **{"exchange_executor": "inline", **settings}))
    yield core
    core.close()


def rows(core: Core, table: Table) -> int:
    """How many rows a table has."""
    with core.engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def refused(call: Any, *args: Any, **given: Any) -> tuple[Problem, ...]:
    """The problems for which an act was refused."""
    with pytest.raises(Refused) as refusal:
        call(*args, **given)
    return refusal.value.problems


def publish(core: Core, text: str) -> int:
    """Imports, has reviewed and publishes a manifest; the snapshot's number."""
    made = core.catalog.import_manifest(IMPORTER, text)
    core.catalog.review(SECURITY, made.id, True, "合格")
    return core.catalog.publish(SECURITY, made.id)
