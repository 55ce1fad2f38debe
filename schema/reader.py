"""Reads sources for one call: binds row conditions, notes accesses and source states, turns source faults into answers' faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from auth.rights import Operation
from connectors.aggregating import aggregated
from connectors.aggregation import Aggregation
from connectors.errors import SourceFault, SourceMismatch, SourceTimeout
from connectors.looked_up import looked_up
from connectors.selection import Every, Predicate, Row, Selection, Value
from connectors.spi import Source
from schema.answer import Answer, SourceState, take
from schema.batches import Batch
from schema.faces import Face
from schema.faults import Code, Fault, bad_input
from schema.filters import Binds, row_condition
from schema.freshness import is_stale
from schema.look_ups import LookUp
from schema.shapes import ItemUse
from schema.subjects import Subject, form

T = TypeVar("T")
Sources = Callable[[str], Source]
STALE = "STALE"
STATEMENTS = 8
"""The most statements that one call has under way at once, of each source: those of one that hangs keep no other waiting."""


@dataclass
class Allowance:
    """What one call may still ask for. It is reserved before anything is read, so that a call over it costs the sources nothing."""

    rows: int = 20_000
    cells: int = 400_000
    """Values in the answer: rows times items, over all lists and links."""
    values: int = 5_000
    """Values in filters."""
    verifications: int = 100

    def reserve(self, what: str, amount: int) -> None:
        """Takes a part of the allowance.

        Raises:
            Exhausted: there is not that much left; the whole call ends.
        """
        left = getattr(self, what) - amount
        setattr(self, what, left)
        if left < 0:
            raise Exhausted(what)


_EXHAUSTED = {
    "rows": ("读取的行数过多", "too many rows", "请减小 first，或改用批量交换 startExchange", "ask for fewer rows by first, or use startExchange"),
    "cells": ("返回的数据过多", "too many values", "请减小 first 或少选字段，或改用批量交换", "ask for fewer rows or fields, or use startExchange"),
    "values": ("筛选取值过多", "too many values in filters", "请分次查询", "ask in several calls"),
    "verifications": ("核验过多", "too many verifications", "一次调用最多核验 100 条，请分次", "verify at most 100 in one call"),
}


class Exhausted(Fault):
    """The call asks for more than one call may. It is refused as a whole."""

    def __init__(self, what: str) -> None:
        zh, en, hint_zh, hint_en = _EXHAUSTED[what]
        super().__init__(Code.QUERY_BUDGET, f"查询超出预算：一次调用{zh}", f"query budget exceeded: {en} for one call", hint_zh, hint_en)


class Reader:
    """One call's reading. ``sources`` opens a source by its code ``department.source``."""

    def __init__(self, sources: Sources, answer: Answer, allowance: Allowance | None = None, *, few: bool = False) -> None:
        """``few``: the call has no more statements than may be under way at once."""
        self._sources = sources
        self._answer = answer
        self.allowance = allowance or Allowance()
        self._few = few
        self._statements: dict[str, asyncio.Semaphore] = {}

    def where(self, face: Face, binds: Binds, parts: Sequence[Predicate] = ()) -> Predicate | None:
        """The caller's predicates AND the grant's row condition."""
        every = list(parts)
        if face.decision.rows is not None:
            every.append(row_condition(face.resource, face.decision.rows, binds))
        return Every(tuple(every)) if every else None

    async def rows(self, face: Face, selection: Selection, binds: Binds, uses: Sequence[ItemUse]) -> Sequence[Row]:
        """Rows of a selection, noted as accessed."""
        rows = await self._call(face, lambda source: source.fetch(selection, binds), asked=True)
        self.note(face, rows, selection, uses, Operation.QUERY)
        return rows

    async def look_up(self, face: Face, asked: LookUp, values: tuple[Value, ...], group: object) -> Row | None:
        """The row that one identifier, in any of its spellings, leads to, noted as accessed. Calls of one ``group`` may share a statement."""
        row = await self._call(face, lambda source: looked_up(source, asked.selection, asked.binds, asked.key, values, group), asked=True)
        access = self._answer.access(face, Operation.QUERY)
        take(access, asked.uses, 0 if row is None else 1)
        if row is not None:
            asked.naming.note((row,), access.subjects)
        return row

    async def compared(self, face: Face, selection: Selection, binds: Binds) -> tuple[Sequence[Row], bool, datetime]:
        """What the source says of comparisons; whether its data are stale, and as of when they are. No row is noted: the ledger must not tell what was found."""
        rows, state, as_of = await self._served_call(face, lambda source: source.fetch(selection, binds))
        return rows, state == STALE, as_of

    async def unnoted(self, face: Face, selection: Selection, binds: Binds) -> Sequence[Row]:
        """Rows of a selection, of which the caller notes those that are shown."""
        return await self._call(face, lambda source: source.fetch(selection, binds), asked=True)

    async def count(self, face: Face, selection: Selection, binds: Binds, uses: Sequence[ItemUse]) -> int:
        """How many rows the predicate holds for; the items that were compared are noted."""
        self.note(face, (), None, uses, Operation.QUERY)
        return await self._call(face, lambda source: source.count(selection, binds), asked=True)

    async def aggregate(self, face: Face, aggregation: Aggregation, binds: Binds) -> Sequence[Row]:
        """Cells of an aggregation. No row is taken; the items are the caller's to note."""
        return await self._call(face, lambda source: aggregated(source, aggregation, binds))

    async def linked(self, batch: Batch, values: Sequence[Value]) -> Mapping[Value, Row]:
        """The linked row of each key value that has one and that the caller may see."""
        face, binds = batch.face, Binds()
        selection = Selection(face.resource.binding, batch.outputs.columns, self.where(face, binds))
        found = await self._call(face, lambda source: source.fetch_by_keys(selection, binds, batch.key, values))
        rows = {key: several[0] for key, several in found.items() if several}
        self.note(face, list(rows.values()), selection, batch.uses, Operation.QUERY)
        subjects = self._answer.access(face, Operation.QUERY).subjects
        for item in face.resource.identifying.get(batch.key.name, ()):
            subjects.add(item.code, [form(item, key) for key in rows])
        return rows

    def note(self, face: Face, rows: Sequence[Row], selection: Selection | None, uses: Sequence[ItemUse], operation: Operation) -> None:
        """Notes rows as accessed, and whom they concern where the ``selection`` behind them is given."""
        access = self._answer.access(face, operation)
        take(access, uses, len(rows))
        if selection is not None:
            face.naming(selection.outputs).note(rows, access.subjects)

    def name(self, face: Face, subjects: Iterable[Subject]) -> None:
        """Notes whom a question concerns, whatever is found."""
        self._answer.access(face, Operation.QUERY).subjects.update(dict.fromkeys(subjects))

    async def _call(self, face: Face, call: Callable[[Source], Awaitable[T]], *, asked: bool = False) -> T:
        return (await self._served_call(face, call, asked=asked))[0]

    async def _served_call(self, face: Face, call: Callable[[Source], Awaitable[T]], *, asked: bool = False) -> tuple[T, str, datetime]:
        code = face.resource.source
        started = time.perf_counter()
        state, reason, as_of = "FAILED", "", None
        try:
            source = self._sources(code)
            before = source.as_of(face.resource.binding)
            if self._few:
                result = await call(source)
            else:
                async with self._statements.get(code) or self._statements.setdefault(code, asyncio.Semaphore(STATEMENTS)):
                    result = await call(source)
            state, as_of = _served(face, source, before)
        except SourceFault as fault:
            state, reason = fault.state, str(fault)
            raise source_fault(face, fault, asked=asked) from fault
        finally:
            self._note_source(SourceState(code, state, round((time.perf_counter() - started) * 1000), reason, as_of))
        return result, state, as_of

    def _note_source(self, state: SourceState) -> None:
        """A trouble stays noted whatever follows; of data the oldest."""
        known = self._answer.sources.get(state.source)
        if known is None:
            self._answer.sources[state.source] = state
        elif known.as_of is not None:
            spent = state.milliseconds + known.milliseconds
            if state.as_of is not None and known.as_of <= state.as_of:
                state = known
            self._answer.sources[state.source] = replace(state, milliseconds=spent)


def _served(face: Face, source: Source, before: datetime | None) -> tuple[str, datetime]:
    """Of an answer that has come: its state, and as of when it is; ``before`` is what the source said when it was asked."""
    moment = datetime.now(UTC)
    as_of = source.as_of(face.resource.binding)
    if as_of is None:
        return "OK", moment
    if before is not None and before < as_of:
        # Another delivery came into service meanwhile. Nobody may take the old one's data for those of the new.
        as_of = before
    return (STALE if is_stale(face.resource.update_cycle, as_of, moment) else "OK"), as_of


def source_fault(face: Face, fault: SourceFault, *, asked: bool = False) -> Fault:
    """What the caller is told: which resource, and whether trying again may help; nothing of the source's own texts.

    ``asked``: the values that the source compared are the caller's, and not those of another source or of a claim.
    """
    name = face.resource.name
    if asked and isinstance(fault, SourceMismatch):
        zh, en = f"标识或筛选条件中的取值与列的类型不符：{name}", f"a value of an identifier or filter does not fit its column's type: {face.resource.code}"
        return bad_input(zh, en, "请核对取值的格式，如 UUID 与枚举值", "compare the form of the values, such as UUIDs and enumerations")
    if isinstance(fault, SourceTimeout):
        en = f"the source of {face.resource.code} did not answer in time"
        return Fault(Code.TIMEOUT, f"数据源响应超时：{name}", en, "请稍后重试或缩小查询", "try later, or ask for less")
    if fault.retryable:
        return Fault(
            Code.SOURCE_UNAVAILABLE, f"数据源暂不可用：{name}", f"the source of {face.resource.code} is not available", "请稍后重试", "try again later"
        )
    return Fault(
        Code.SOURCE_UNAVAILABLE,
        f"数据源拒绝了查询：{name}",
        f"the source of {face.resource.code} refused the query",
        "请联系大数据主管部门；若所需行数过多，可先加上更严格的筛选",
        "tell the hub's administrators; where the call needs very many rows, try a stricter filter first",
        lasting=True,
    )
