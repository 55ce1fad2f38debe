"""Asks a source only for what it declares and does the rest in the hub, within the source's ``local_rows``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors import local
from connectors.aggregating import cells, needed_columns
from connectors.aggregation import Aggregation
from connectors.errors import SourceRefused
from connectors.kept import Kept
from connectors.selection import Binding, Column, Compare, Comparison, Every, Kind, Linked, Match, Not, Order, Predicate, Row, Selection, Some, Value
from connectors.spi import Aggregating, Capabilities, ColumnDescription, LookingUp, ObjectDescription, Parameters, Refreshing, Source, SourceCheck, SourceConfig
from connectors.streaming import Slice, Streamed, Streaming
from connectors.wire import comparable

_ORDERED = frozenset({Comparison.GT, Comparison.GTE, Comparison.LT, Comparison.LTE})
_SCRAMBLED = frozenset({Kind.STRING, Kind.INTEGER, Kind.BIGINT})
_PLANS_KEPT = 10_000
"""Parts of selections: outputs, order keys, comparisons. A plan holds them."""
LIMIT = "#limit"
"""The parameter that bounds what is read for the hub to complete."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``asked`` is what the source does, ``whole`` whether nothing is left for the hub. Else the source gives the raw ``columns``."""

    asked: Selection
    columns: tuple[Column, ...]
    whole: bool


def negotiate(capabilities: Capabilities, selection: Selection) -> Plan:
    """Splits a selection: the parts of its predicate that are declared are the source's, and what it cannot order, compare or mask is the hub's."""
    asked, left = _split(capabilities, selection.where)
    ordered = all(_orders(capabilities, key) for key in selection.order)
    shaped = all(_gives(capabilities, output) for output in selection.outputs) and (selection.text is None or bool(capabilities.renders))
    if not left and ordered and shaped:
        return Plan(selection, (), whole=True)
    columns = tuple(local.needed_columns(selection))
    return Plan(Selection(selection.binding, columns, asked, limit=LIMIT), columns, whole=False)


def _orders(capabilities: Capabilities, key: Order) -> bool:
    if key.scrambled:
        return capabilities.order and capabilities.scrambles and key.kind in _SCRAMBLED
    return capabilities.order and (capabilities.text_order or key.kind is not Kind.STRING)


def _gives(capabilities: Capabilities, output: Column | Match) -> bool:
    if isinstance(output, Match):
        return capabilities.matches
    return output.mask is None or output.mask.algorithm in capabilities.masks


def _split(capabilities: Capabilities, where: Predicate | None) -> tuple[Predicate | None, bool]:
    """The declared part of a predicate, and whether any part is left."""
    parts = where.parts if isinstance(where, Every) else () if where is None else (where,)
    asked = tuple(part for part in parts if declared(capabilities, part))
    return (Every(asked) if asked else None), len(asked) < len(parts)


def declared(capabilities: Capabilities, part: Predicate) -> bool:
    """The source does this part of a predicate itself."""
    match part:
        case Every(parts) | Some(parts):
            return all(declared(capabilities, each) for each in parts)
        case Not(negated):
            return declared(capabilities, negated)
        case Compare(kind=kind, comparison=comparison):
            texts = kind is Kind.STRING and comparison in _ORDERED and not capabilities.text_order
            return comparison in capabilities.comparisons and not texts
        case Linked(where=where):
            return capabilities.links and declared(capabilities, where)


class NegotiatedSource:
    """A source of which nothing is asked that it does not declare. See :class:`connectors.spi.Source`."""

    def __init__(self, config: SourceConfig, source: Source) -> None:
        self._code = config.code
        self._most = config.local_rows
        self._source = source
        self._looking_up = source if isinstance(source, LookingUp) else None
        self._streaming = source if isinstance(source, Streaming) else None
        self._plans: Kept[Selection, tuple[Capabilities, Plan]] = Kept(_PLANS_KEPT, lambda selection, _: _parts(selection))

    @property
    def capabilities(self) -> Capabilities:
        """The inner source's."""
        return self._source.capabilities

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """Straight through where everything is declared, else completed in the hub."""
        plan = self._plan(selection)
        if plan.whole:
            return await self._source.fetch(selection, parameters)
        return local.answer(selection, parameters, plan.columns, await self._rows(plan, parameters))

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        """By the source, or by lists of keys as the predicate's part, or by reading all that the rest of the predicate leaves."""
        capabilities, plan = self.capabilities, self._plan(selection)
        if plan.whole and capabilities.keys_per_call > 0:
            return await self._source.fetch_by_keys(selection, parameters, key, values)
        if not values:
            return {}
        columns = tuple({column.name: column for column in (*local.needed_columns(selection), Column(key.name, key.kind))}.values())
        if capabilities.keys_per_call > 0:
            asked = Selection(selection.binding, columns, plan.asked.where)
            found = await self._source.fetch_by_keys(asked, parameters, key, values)
            groups = {value: list(rows) for value, rows in found.items()}
        else:
            groups = self._grouped(columns, await self._rows(replace(plan, asked=replace(plan.asked, outputs=columns, limit=LIMIT)), parameters), key, values)
        return local.answers(selection, parameters, columns, groups)

    def looks_up(self, selection: Selection) -> bool:
        """Where everything is declared, and the source does."""
        return self._looking_up is not None and self._plan(selection).whole and self._looking_up.looks_up(selection)

    async def look_up_all(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value], *, alone: bool) -> Sequence[Row] | None:
        """Straight through: see :meth:`looks_up`."""
        if self._looking_up is None:
            raise TypeError("look-ups of this source share no statement")
        return await self._looking_up.look_up_all(selection, parameters, key, values, alone=alone)

    def streams(self, selection: Selection) -> bool:
        """Where everything is declared, and the source does."""
        return self._streaming is not None and self._plan(selection).whole and self._streaming.streams(selection)

    def stream(self, selection: Selection, parameters: Parameters, part: Slice | None, rows: int) -> AsyncGenerator[Streamed, None]:
        """Straight through: see :meth:`streams`."""
        if self._streaming is None:
            raise TypeError("this source does not stream")
        return self._streaming.stream(selection, parameters, part, rows)

    async def cuts(self, selection: Selection, parameters: Parameters, key: Column, rows: int) -> Sequence[Value]:
        """Straight through."""
        return () if self._streaming is None else await self._streaming.cuts(selection, parameters, key, rows)

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        """By the source where the whole predicate is declared, else by reading."""
        counted = Selection(selection.binding, (), selection.where)
        plan = self._plan(counted)
        if plan.whole:
            return await self._source.count(selection, parameters)
        return len(local.answer(counted, parameters, plan.columns, await self._rows(plan, parameters)))

    async def aggregate(self, asked: Aggregation, parameters: Parameters) -> Sequence[Row]:
        """By the source where all of it is declared, else of rows that the hub reads."""
        columns = needed_columns(asked)
        plan = self._plan(Selection(asked.binding, columns, asked.where))
        marked = self._plan(Selection(asked.binding, (), Every(asked.marks)))
        if self.capabilities.aggregates and isinstance(self._source, Aggregating) and plan.whole and marked.whole:
            return await self._source.aggregate(asked, parameters)
        if plan.whole:
            return cells(asked, parameters, columns, await self._rows(replace(plan, asked=replace(plan.asked, limit=LIMIT)), parameters))
        rows = await self._rows(plan, parameters)
        return cells(asked, parameters, columns, local.answer(Selection(asked.binding, columns, asked.where), parameters, plan.columns, rows))

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        """See :meth:`connectors.spi.Source.describe`."""
        return await self._source.describe(binding)

    async def objects(self) -> Sequence[ObjectDescription]:
        """See :meth:`connectors.spi.Source.objects`."""
        if not self.capabilities.objects:
            raise SourceRefused(self._code, "this kind of source cannot list what it holds; write its resources into the manifest by hand")
        return await self._source.objects()

    def as_of(self, binding: Binding) -> datetime | None:
        """See :meth:`connectors.spi.Source.as_of`."""
        return self._source.as_of(binding)

    async def check(self) -> SourceCheck:
        """See :meth:`connectors.spi.Source.check`."""
        return await self._source.check()

    async def refresh(self) -> None:
        """See :class:`connectors.spi.Refreshing`; nothing where the source is none."""
        if isinstance(self._source, Refreshing):
            await self._source.refresh()

    async def close(self) -> None:
        """See :meth:`connectors.spi.Source.close`."""
        await self._source.close()

    def _plan(self, selection: Selection) -> Plan:
        kept = self._plans.get(selection)
        if kept is not None and kept[0] is self.capabilities:
            return kept[1]
        plan = self._negotiated(selection)
        self._plans.keep(selection, (self.capabilities, plan))
        return plan

    def _negotiated(self, selection: Selection) -> Plan:
        if not self.capabilities.links and _links(selection.where):
            raise SourceRefused(self._code, "this kind of source cannot filter through links; filter the linked resource by itself")
        if self.capabilities.completes:
            return Plan(selection, (), whole=True)
        return negotiate(self.capabilities, selection)

    async def _rows(self, plan: Plan, parameters: Parameters) -> Sequence[Row]:
        rows = await self._source.fetch(plan.asked, {**parameters, LIMIT: self._most + 1})
        if len(rows) > self._most:
            known = ", ".join(sorted(each.value for each in self.capabilities.comparisons)) or "none"
            raise SourceRefused(
                self._code, f"the hub would have to read more than {self._most} rows (`local_rows`); comparisons that the source does itself: {known}"
            )
        return rows

    @staticmethod
    def _grouped(columns: Sequence[Column], rows: Sequence[Row], key: Column, values: Sequence[Value]) -> dict[Value, list[Row]]:
        place = [column.name for column in columns].index(key.name)
        asked = {comparable(value, key.kind): value for value in values}
        groups: dict[Value, list[Row]] = {}
        for row in rows:
            known = comparable(row[place], key.kind)
            if known is not None and known in asked:
                groups.setdefault(asked[known], []).append(row)
        return groups


def _parts(selection: Selection) -> int:
    text = len(selection.text.fields) if selection.text is not None else 0
    return 10 + len(selection.outputs) + len(selection.order) + text + _comparisons(selection.where)


def _comparisons(where: Predicate | None) -> int:
    match where:
        case Every(parts) | Some(parts):
            return 1 + sum(map(_comparisons, parts))
        case Not(part) | Linked(where=part):
            return 1 + _comparisons(part)
    return 1


def _links(where: Predicate | None) -> bool:
    match where:
        case Every(parts) | Some(parts):
            return any(_links(part) for part in parts)
        case Not(part):
            return _links(part)
        case Linked():
            return True
    return False
