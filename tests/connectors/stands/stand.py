"""What a stand gives the conformance kit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.registry import open_source
from connectors.selection import Binding, Row
from connectors.spi import Source, SourceConfig


@dataclass(frozen=True)
class People:
    """A source that serves the people, and where in it they lie."""

    kind: str
    """The stand's name."""
    config: SourceConfig
    source: Source
    binding: Binding
    empty: Binding
    """The same columns without a row."""
    missing: Binding
    """An object that does not exist."""
    slow: Binding | None = None
    """The people, after half a minute of work in the source; ``None`` where every read is of data that the hub itself has taken over."""
    insert: Callable[[Row], Awaitable[None]] | None = None
    """Adds a person while others read; ``None`` where data change by whole deliveries only."""
    reopen: Callable[[SourceConfig], Source] = open_source
    """Opens the same source with another configuration."""


Opening = Callable[[pytest.FixtureRequest, Path, Sequence[Row]], AbstractAsyncContextManager[People]]


@dataclass(frozen=True)
class Stand:
    """One connector in one typical use. ``open`` serves these rows and takes everything down in the end."""

    name: str
    open: Opening
    fast: bool = False
    """Needs no server, browser or child process."""
    place: int = 50
    """Where it stands in the published table, by tens."""
