"""The service-provider interface of connectors: what a source can do, and the few calls through which the hub reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from connectors.aggregation import Aggregation
from connectors.selection import Binding, Column, Comparison, Kind, Row, Selection, Value

Parameters = Mapping[str, Value | Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a source does itself. Declared here and proven by the conformance kit, never guessed from a class.

    A source is asked for nothing that it does not declare: :mod:`connectors.negotiation` takes that part of a selection out and does it
    in the hub, within ``SourceConfig.local_rows``. What the hub cannot do for a source (``links``, ``objects``) is refused.
    """

    comparisons: frozenset[Comparison]
    order: bool
    """It orders rows, nulls last, text by code point; and so begins behind a position (``Selection.after``)."""
    masks: frozenset[str]
    """Algorithms (``Mask.algorithm``) applied inside the source."""
    matches: bool
    """It compares verified values itself, so that they do not leave it."""
    keys_per_call: int
    links: bool = False
    """It filters through :class:`connectors.selection.Linked`."""
    objects: bool = False
    """It lists what it holds: :meth:`Source.objects`."""
    text_order: bool = True
    """Texts too are ordered, and compared as greater or less, by code point; else only other kinds are."""
    aggregates: bool = False
    """It is :class:`Aggregating`."""
    scrambles: bool = False
    """It orders by scrambled keys (``Order.scrambled``) that are texts or whole numbers, with the bytes of :func:`connectors.wire.scrambled`."""
    renders: frozenset[Kind] = frozenset()
    """Kinds whose values it writes into ``Selection.text`` with the hub's own bytes, or tells that it cannot."""
    completes: bool = False
    """It takes any selection as it is and completes by itself, within ``local_rows``, what its system cannot do."""


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
    queue: int = 256
    """The most calls that wait for a turn; one more is refused at once."""
    timeout_ms: int = 3000
    local_rows: int = 10_000
    """The most rows the hub reads to filter or order them itself where the source cannot."""
    options: Mapping[str, object] = field(default_factory=dict)
    """What only connectors of this kind understand, as their options model writes it."""
    rendering: str = "hub"
    """Where lists become JSON: ``hub``, or ``source`` where it can; that spares the hub and costs the source."""
    exchange_masks: str = "hub"
    """Where batch exchange masks: ``hub``, in the exporting process, or ``source``, so that no raw value leaves it; that costs the source."""
    exchange_sessions: int = 2
    """The most streams of batch exchange at once, over all exchanges and all servers."""


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    """A column as the source has it: ``type`` in the source's own words, ``kind`` ``None`` where no kind holds its values without loss."""

    name: str
    type: str
    nullable: bool
    kind: Kind | None = None
    comment: str = ""
    compared: bool = True
    """Filters and look-ups compare it; ``False`` where the hub can only show it (a time of day, a network address)."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """``columns`` refer to ``to_columns`` of ``to_object``, place by place."""

    columns: tuple[str, ...]
    to_object: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectDescription:
    """A table, view, file or type that a source holds. ``binding`` reads it."""

    binding: Binding
    columns: tuple[ColumnDescription, ...]
    view: bool = False
    comment: str = ""
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexed: tuple[str, ...] = ()
    """Columns with which an index begins."""
    inherited: bool = False
    """Tables that inherit from it add their rows, of which no key of its own holds."""
    unreadable: str = ""
    """Why the account cannot read it; it is listed without columns then, so that a report may name it."""


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

    async def objects(self) -> Sequence[ObjectDescription]:
        """What the source holds, where it declares ``objects``, in the source's order; what the account may not read says so in ``unreadable``.

        Raises:
            SourceRefused: it cannot list; says how the catalog is written instead.
        """
        ...

    def as_of(self, binding: Binding) -> datetime | None:
        """The state of the data that is being served, where it is older than the present: a delivery's moment. ``None``: now."""
        ...

    async def check(self) -> SourceCheck: ...

    async def close(self) -> None: ...


@runtime_checkable
class Aggregating(Protocol):
    """A source that counts and adds up itself, so that no row leaves it. For another the hub does it, within ``local_rows``."""

    async def aggregate(self, asked: Aggregation, parameters: Parameters) -> Sequence[Row]:
        """The cells, see :class:`connectors.aggregation.Aggregation`."""
        ...


@runtime_checkable
class LookingUp(Protocol):
    """A source that answers look-ups of many keys by one statement, each as it would be answered alone. See :mod:`connectors.coalescing`."""

    def looks_up(self, selection: Selection) -> bool:
        """Whether it does so for the selection. Costs next to nothing, and stays so for the selection."""
        ...

    async def look_up_all(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value], *, alone: bool) -> Sequence[Row] | None:
        """Rows whose ``key`` is one of ``values`` (distinct, no nulls), the key's wire value behind the outputs.

        ``alone``: the values are of one look-up; at most one row then, and never ``None``. Else ``None`` says that the keys are to be asked one look-up
        at a time: there are more rows than keys, by far, or the source has to go a longer way for some of the values.
        ``selection`` has neither order nor limit.
        """
        ...


@runtime_checkable
class Refreshing(Protocol):
    """A source that takes data over from its system, in the background and not within a call."""

    async def refresh(self) -> None:
        """Begins to look for new data where the last look is long enough ago; returns at once. Raises nothing."""
        ...


class Connector(Protocol):
    """What an entry point in the group ``huitong.connectors`` names: opens sources of its kind. Drivers are imported in :meth:`open`, not before."""

    def open(self, config: SourceConfig) -> Source:
        """A source; connects lazily.

        Raises:
            ConfigFault: the configuration is wrong; says what and how to mend it.
        """
        ...
