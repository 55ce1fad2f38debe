"""Finds the connector of a kind and opens guarded sources with it."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from connectors.errors import ConfigFault
from connectors.guard import GuardedSource
from connectors.negotiation import NegotiatedSource
from connectors.spi import Connector, SourceConfig

GROUP = "huitong.connectors"
"""Entry point group in which a package announces connectors: the name is the kind, the object a class that is a Connector."""

_OWN = {
    "sql": ("connectors.sql", "SqlConnector"),
    "rest": ("connectors.rest", "RestConnector"),
    "files": ("connectors.files", "FilesConnector"),
    "graphql": ("connectors.graphql", "GraphqlConnector"),
}


_LINKING = frozenset({"sql", "files"})
"""Kinds whose sources all declare ``Capabilities.links``."""


def links_within(kind: str) -> bool:
    """Whether every source of the kind filters through links; known without opening one."""
    return kind in _LINKING


def lists_by_index(kind: str) -> bool:
    """Whether sources of the kind find several spellings of a key by the same index and in the same statement as one."""
    return kind == "sql"


def kinds() -> tuple[str, ...]:
    """Kinds of sources that can be opened here, sorted."""
    return tuple(sorted({*_OWN, *(point.name for point in entry_points(group=GROUP))}))


def open_source(config: SourceConfig) -> GuardedSource:
    """An open source behind its own limits, deadline and circuit breaker; it connects with its first call.

    Raises:
        ConfigFault: the kind is unknown or the configuration is wrong.
    """
    if config.pool < 1 or config.timeout_ms < 1 or config.local_rows < 0 or config.queue < 0:
        limits = "`pool` and `timeout_ms` must be at least 1, `local_rows` and `queue` at least 0"
        raise ConfigFault(f"{config.code}: {limits}", "correct the number or leave it out")
    return GuardedSource(config, NegotiatedSource(config, _connector(config).open(config)))


def _connector(config: SourceConfig) -> Connector:
    if own := _OWN.get(config.kind):
        module, name = own
        return cast(Connector, getattr(import_module(module), name)())
    for point in entry_points(group=GROUP, name=config.kind):
        return _loaded(config, point)
    raise ConfigFault(f"{config.code}: no connector for kind {config.kind!r}", f"kinds installed here: {', '.join(kinds())}")


def _loaded(config: SourceConfig, point: EntryPoint) -> Connector:
    try:
        return cast(Connector, point.load()())
    except (ImportError, AttributeError) as error:
        raise ConfigFault(
            f"{config.code}: the connector of kind {config.kind!r} cannot be loaded", f"reinstall the package that offers {point.value}"
        ) from error
