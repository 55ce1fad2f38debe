"""Hubs of the comparison: each with a home of its own over the same source, with all of its features or without one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from auth.keys import KeyRing
from auth.tokens import TokenIssuer
from hub.acts import Actor
from hub.catalog.scopes import CATALOG, SECURITY, SYSTEM
from hub.core import TOKEN_KEYS, Core, initialise, open_core
from hub.settings import load_settings
from loadtests.comparison import catalog, tasks
from loadtests.comparison.pinned import SERVERS, family, starting
from loadtests.comparison.servers import Server, nothing
from loadtests.persons import PURPOSE
from tests.scale.catalog import Size, fill
from tests.scale.served import Served, serve
from tests.servers.postgres import Postgres

_CONSOLE = Actor("cli:bench", scopes=frozenset({SYSTEM, SECURITY, CATALOG}))
_STEWARD, _REVIEWER = Actor("steward", scopes=frozenset({SYSTEM, CATALOG})), Actor("reviewer", scopes=frozenset({SECURITY}))
_ENVIRONMENT = {
    # As many verifications as there is time for.
    "HUITONG_VERIFICATION_SUBJECTS_PER_DAY": "100000000",
    "HUITONG_VERIFICATION_MISMATCH_PERCENT": "100",
    "HUITONG_LOOKUP_MISSES_PER_DAY": "100000000",
}
_FRESH_SECONDS = 300.0
"""A token lives for ten minutes."""
_LARGE = Size(500, 10)


@dataclass(frozen=True)
class _Kind:
    """How a hub differs from the hub as it is."""

    module: str = "hub"
    environment: Mapping[str, str] | None = None
    rendering: str = ""
    large: bool = False


KINDS: Mapping[str, _Kind] = {
    tasks.HUB: _Kind(),
    tasks.BY_SOURCE: _Kind(rendering="source"),
    tasks.MANY: _Kind(large=True),
    tasks.UNLOGGED: _Kind("loadtests.unlogged"),
    tasks.NO_RIGHTS: _Kind("loadtests.without", {"BENCH_WITHOUT": "rights"}),
    tasks.NO_COALESCING: _Kind("loadtests.without", {"BENCH_WITHOUT": "coalescing"}),
    tasks.NO_TOKENS: _Kind("loadtests.without", {"BENCH_WITHOUT": "tokens"}),
    tasks.SAMPLED: _Kind("loadtests.sampling.serve"),
}


class Hubs:
    """Makes them over one source, and one control database each: SQLite in its home, or one of ``control``'s."""

    def __init__(self, source: str, control: Postgres | None, folder: Path, seed: int) -> None:
        self._source, self._control, self._folder, self._seed = source, control, folder, seed
        self._served: dict[int, _Tokens] = {}
        self._secrets: dict[Path, dict[str, tuple[str, str]]] = {}
        self._pristine: Path | None = None

    @contextmanager
    def started(self, name: str, **also: str) -> Iterator[Server]:
        """A hub on the servers' CPU, with these environment variables besides, until the end of the block.

        Raises:
            RuntimeError: it did not start; its log is quoted.
        """
        kind = KINDS[name]
        home, database = self._made(kind)
        with starting(SERVERS):
            serving = serve(home, self._secrets[home], kind.module, HUITONG_DATABASE=database, **{**_ENVIRONMENT, **(kind.environment or {}), **also})
            served = serving.__enter__()
        try:
            yield self._server(name, served, home)
        finally:
            serving.__exit__(None, None, None)

    def clear(self, server: Server, name: str = tasks.CLEAR) -> Server:
        """The same process, asked by the application that sees everything in clear."""
        return replace(server, name=name, heads=partial(self._served[server.port].heads, catalog.CLEAR))

    def _server(self, name: str, served: Served, home: Path) -> Server:
        tokens = _Tokens(served, home)
        port = int(served.url.rpartition(":")[2])
        self._served[port] = tokens
        return Server(name, "hub", port, served.process.pid, partial(tokens.heads, ""), self._control_processes())

    def _control_processes(self) -> Callable[[], list[int]]:
        return nothing if self._control is None else partial(family, postmaster(self._control))

    def _made(self, kind: _Kind) -> tuple[Path, str]:
        """(home, control database) for one: a copy of one that has never served, unless its catalog begins otherwise."""
        home = self._folder / f"hub{len(self._secrets)}"
        if kind.large:
            database = self._database(home.name, "template0")
            self._secrets[home] = self._new(home, database, kind)
            return home, database
        if self._pristine is None:
            self._pristine = self._folder / "pristine"
            self._secrets[self._pristine] = self._new(self._pristine, self._database("pristine", "template0"), kind)
        shutil.copytree(self._pristine, home)
        database = self._database(home.name, "pristine")
        self._secrets[home] = self._secrets[self._pristine]
        if kind.rendering:
            core = open_core(load_settings(home=home, database=database))
            try:
                publish(core, catalog.manifests(self._source, kind.rendering))
            finally:
                core.close()
        return home, database

    def _new(self, home: Path, database: str, kind: _Kind) -> dict[str, tuple[str, str]]:
        settings = load_settings(home=home, database=database)
        initialise(settings)
        core = open_core(settings)
        try:
            if kind.large:
                fill(core, _LARGE, home / "large")
            publish(core, catalog.manifests(self._source))
            return register(core, self._seed, 0 if kind.large else catalog.MANY)
        finally:
            core.close()

    def _database(self, name: str, template: str) -> str:
        if self._control is None:
            return ""
        with psycopg.connect(self._control.url("template1", "postgresql"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._control.url(name, "postgresql+psycopg")


def publish(core: Core, manifests: Sequence[str]) -> None:
    """Puts the manifests into force."""
    for text in manifests:
        made = core.catalog.import_manifest(_STEWARD, text)
        core.catalog.review(_REVIEWER, made.id, True, "bench")
        core.catalog.publish(_REVIEWER, made.id)


def register(core: Core, seed: int, many: int) -> dict[str, tuple[str, str]]:
    """Registers the applications with their grants; (client id, secret) by name."""
    masked = {f"masked{number}": catalog.masked_items(seed, number) for number in range(catalog.SETS)}
    masked |= {f"many{number}": catalog.masked_items(seed, catalog.SETS + number) for number in range(many)}
    secrets = {}
    for name, items in {catalog.CLEAR: (), **masked}.items():
        app = core.sharing.create_application(_CONSOLE, name, "register", [PURPOSE], [])
        secrets[name] = (app.client_id, app.client_secret)
        for given in catalog.grants(name, items):
            core.sharing.create_grant(_REVIEWER, given)
    return secrets


class _Tokens:
    """Tokens of a hub's applications, as header lines."""

    def __init__(self, served: Served, home: Path) -> None:
        self._served = served
        self._issuer = TokenIssuer(served.url, KeyRing(home / "keys" / TOKEN_KEYS))
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    def heads(self, application: str, number: int, count: int, tokens: str) -> list[bytes]:
        """Of the given application or of the one of the round; ``tokens`` as :class:`Task` has it."""
        name = application or f"masked{number % catalog.SETS}"
        if tokens == "one":
            return [_lines(self._asked(name)["access_token"])]
        names = [name] if tokens == "application" else [f"many{n}" for n in range(catalog.MANY)]
        return [_lines(self._issued(names[n % len(names)])) for n in range(count)]

    def _asked(self, name: str) -> dict[str, Any]:
        moment, answer = self._known.get(name, (0.0, {}))
        if time.monotonic() - moment > _FRESH_SECONDS or not answer:
            found = self._served.client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=self._served.secrets[name])
            answer = found.json()
            self._known[name] = time.monotonic(), answer
        return answer

    def _issued(self, name: str) -> str:
        """As the hub issues them, with its own key: its endpoint is not what is measured."""
        return self._issuer.issue(self._served.secrets[name][0], self._asked(name)["scope"].split()).token


def _lines(token: str) -> bytes:
    return b"authorization: Bearer %b\r\nhuitong-purpose: use\r\nhuitong-operator: bench\r\n" % token.encode("ascii")


def postmaster(server: Postgres) -> int:
    """The process from which all of a PostgreSQL server's descend."""
    return int((server.log.parent / "data" / "postmaster.pid").read_text().splitlines()[0])
