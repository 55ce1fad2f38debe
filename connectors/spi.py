"""The service-provider interface of connectors: what a source can do, and the few calls through which the hub reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from connectors.selection import Binding, Column, Comparison, Row, Selection, Value

Parameters = Mapping[str, Value | Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a source does itself. Declared here and proven by tests, never guessed from a class.

    What is not declared, :mod:`connectors.local` does in the hub, within ``SourceConfig.local_rows``; ``matches`` false means that a
    verification's values are compared in the hub.
    """

    comparisons: frozenset[Comparison]
    order: bool
    masks: frozenset[str]
    """Algorithms (``Mask.algorithm``) applied inside the source."""
    matches: bool
    keys_per_call: int


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One configured system of a department.

    ``url`` holds no password; ``secret`` says where it lies (``env:NAME`` or ``file:PATH``) and is read when the source is opened.
    """

    code: str
    kind: str
    url: str
    secret: str | None = None
    pool: int = 8
    timeout_ms: int = 3000
    local_rows: int = 10_000
    """The most rows the hub reads to filter or order them itself where the source cannot."""
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """Outcome of a health check: ``ok``, and where not, what is wrong and how to mend it."""

    ok: bool
    message: str = ""
    hint: str = ""


@runtime_checkable
class Source(Protocol):
    """One open source. Read only. Every call may raise :class:`connectors.errors.SourceFault` and nothing else that a driver defines.

    A call that is cancelled or times out stops the work in the source as well.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """Rows, each in the order of ``selection.outputs``."""
        ...

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        """Rows per key value, in one call per ``keys_per_call`` values; a value without rows is missing from the answer.

        ``key`` is the column that must equal one of ``values`` (distinct, no nulls), on top of ``selection.where``; it needs not be among the outputs.
        ``selection`` has no ``after`` and no ``limit``.
        """
        ...

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        """How many rows ``selection.where`` holds for; ``order``, ``after`` and ``limit`` are ignored."""
        ...

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        """Columns of the object as the source has them now."""
        ...

    async def check(self) -> SourceCheck: ...

    async def close(self) -> None: ...


class Connector(Protocol):
    """What an entry point in the group ``huitong.connectors`` names: opens sources of its kind. Drivers are imported in :meth:`open`, not before."""

    def open(self, config: SourceConfig) -> Source:
        """A source; connects lazily.

        Raises:
            ConfigFault: the configuration is wrong; says what and how to mend it.
        """
        ...
