"""What a job reads, as plain data, and how it is cut into chunks."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import structlog

from connectors import paging
from connectors.errors import SourceFault, SourceRefused, SourceTimeout
from connectors.selection import Compare, Comparison, Every, Value
from connectors.spi import Source, SourceConfig
from connectors.streaming import Slice, Streaming
from hub.exchange.chunks import Chunk, NewChunk, not_planned
from hub.exchange.compiling import Compiled
from hub.exchange.sealing import Seals, Tampered
from hub.exchange.stops import Stopped
from hub.exchange.store import Job
from hub.exchange.work.task import EXTENSIONS, Calling, ChunkTask
from schema.answer import Answer
from schema.cursors import Cursors
from schema.export_spec import ExportSpec
from schema.exporting import spec_of

_NUMBERED = 5
_KEYLESS = "stable key is null"
"""A parameter that no document has."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Sources:
    """Where sources are: their configurations, and what is open of them here."""

    configs: Mapping[str, SourceConfig]
    open: Callable[[str], Source]


@dataclass(frozen=True)
class Planned:
    """A job ready to be carried out. ``answer`` knows what is taken of which resource, without rows."""

    job: Job
    compiled: Compiled
    spec: ExportSpec
    answer: Answer
    sources: Mapping[str, SourceConfig]
    """Of all readings."""

    @property
    def source(self) -> SourceConfig:
        """The list's own."""
        return self.sources[self.spec.root.source]

    def binding(self, number: int) -> list[str | int]:
        """What a chunk's part is sealed for."""
        plan = hashlib.sha256(self.job.plan.encode()).hexdigest()
        return [self.job.id, number, plan, self.job.input_sha256]


def planned(job: Job, compiled: Compiled, sources: Sources, cursors: Cursors) -> Planned:
    """The job's export with its arguments bound.

    Raises:
        Fault: an argument cannot be used.
    """
    answer = Answer()
    spec = spec_of(compiled.export, compiled.variables, cursors, job.application, sources.configs, sources.open, answer)
    return Planned(job, compiled, spec, answer, {each.source: sources.configs[each.source] for each in spec.readings})


async def total(plan: Planned, open_: Callable[[str], Source]) -> int | None:
    """Rows that there are to write; ``None`` where the source cannot count them in its time.

    Raises:
        SourceFault: it refuses, or its answer cannot be used.
    """
    root = plan.spec.root
    try:
        return await open_(root.source).count(replace(root.selection, order=()), root.parameters)
    except SourceFault as fault:
        if not fault.retryable:
            raise
        return None


async def counted_and_cut(plan: Planned, open_: Callable[[str], Source], rows: int, quota: bool, seals: Seals) -> tuple[int | None, list[NewChunk]]:
    """``total`` and ``cut`` at once: of a large list each takes a while, and neither waits for the other where slices can be cut."""
    counting = asyncio.create_task(total(plan, open_))
    try:
        chunks = await cut(plan, open_, rows, counting, quota, seals)
        return await counting, chunks
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)


async def cut(plan: Planned, open_: Callable[[str], Source], rows: int, counting: Awaitable[int | None], quota: bool, seals: Seals) -> list[NewChunk]:
    """The chunks to begin with: all, where the list can be cut into slices; else the first, whose name depends on how many rows there are.

    Under a ``quota`` of rows chunks are taken one behind the other, for only then they have as many rows as the quota still gives.

    Raises:
        SourceFault: the source cannot be cut now.
        Stopped: it cannot be cut so.
    """
    root, key = plan.spec.root, plan.spec.key
    source = open_(root.source)
    streamed = isinstance(source, Streaming) and source.streams(root.selection)
    if key is None or quota or not streamed:
        count = None if quota else await counting
        # Within a chunk pages follow one another as chunks do; only a page that is not full is surely the last.
        if count is None or count > (rows if streamed else min(rows, paging.PAGE_ROWS - 1)):
            await _check_keys(plan, source, counted=count is not None, streamed=streamed)
        return [_new(plan, seals, 1, count is None or count > rows, {"after": None})]
    ends = await paging.cuts(source, root.selection, root.parameters, key, rows)
    bounds: list[Value] = [None, *ends, None]
    parts = [{"above": above, "upto": upto} for above, upto in pairwise(bounds)]
    return [_new(plan, seals, number, len(parts) > 1, part) for number, part in enumerate(parts, 1)]


async def _check_keys(plan: Planned, source: Source, *, counted: bool, streamed: bool) -> None:
    """That chunk can follow chunk, and page page: behind a place in the order no row comes whose stable key is null.

    Raises:
        Stopped: there are such rows; they would be missing from the files.
        SourceFault: it cannot be told.
    """
    root, key = plan.spec.root, plan.spec.key
    if root.selection.order:
        column, kind = root.selection.order[-1].column, root.selection.order[-1].kind
    elif key is not None:
        column, kind = key.name, key.kind
    else:
        return
    without = Compare(column, kind, Comparison.IS_NULL, _KEYLESS)
    parts = (without,) if root.selection.where is None else (root.selection.where, without)
    try:
        found = await source.count(replace(root.selection, order=(), where=Every(parts)), {**root.parameters, _KEYLESS: True})
    except (SourceTimeout, SourceRefused) as fault:
        # A list that was counted in time can be looked through as well, once the source is less busy.
        if counted and fault.retryable:
            raise
        # As with the number of rows: a long list that can be read is not refused because it cannot be counted.
        log.warning("exchange_keys_not_checked", exchange=plan.job.id, resource=root.resource)
        return
    if found:
        # What is read page after page is so in any order.
        or_zh, or_en = ("，或不写 orderBy", ", or leave orderBy out") if streamed else ("", "")
        zh = f"{root.resource} 有 {found} 行的稳定键为空，无法逐块导出；请提供部门更正{or_zh}"
        en = f"{found} rows of {root.resource} have no stable key, so that no chunk can follow another: have them mended{or_en}"
        raise Stopped(f"SOURCE_VALUE {zh} {en}")


def following(plan: Planned, seals: Seals, chunk: Chunk, last: Sequence[Value] | None) -> NewChunk | None:
    """The chunk behind one that is done; ``None`` at the end, and for slices."""
    if last is None:
        return None
    return _new(plan, seals, chunk.number + 1, True, {"after": list(last)})


def task_of(plan: Planned, seals: Seals, chunk: Chunk, most: int | None, given: Mapping[str, Any]) -> ChunkTask:
    """What a claimed chunk's work is given; ``given`` is the same for all chunks of the job. ``most`` rows, where it is no slice.

    Raises:
        Stopped: the chunk is not one that was planned for this job and its plan (G2).
    """
    part = _part(plan, seals, chunk)
    own = {"job": plan.job.id, "number": chunk.number, "attempt": chunk.attempt, "name": chunk.name, "spec": plan.spec, "sources": plan.sources}
    task: dict[str, Any] = {**own, "format": plan.job.format, "encoding": plan.job.encoding, **given}
    if "after" not in part and plan.spec.key is not None:
        return ChunkTask(**task, part=Slice(plan.spec.key, part["above"], part["upto"]))
    after = None if part["after"] is None else tuple(part["after"])
    return ChunkTask(**task, after=after, most=None if chunk.name == _name(plan.job, 1, False) else most)


def check_whole(plan: Planned, seals: Seals, chunks: Sequence[Chunk]) -> None:
    """That the chunks, all done, are the list from its beginning to its end, each row once: every one begins where the one before ended.

    Raises:
        Stopped: one is missing, or is not what was planned (G2).
    """
    names = [_name(plan.job, number, len(chunks) > 1) for number in range(1, len(chunks) + 1)]
    alone = [_name(plan.job, 1, True)] if len(chunks) == 1 else names
    if not chunks or [chunk.name for chunk in chunks] not in (names, alone):
        raise not_planned()
    place: object = None
    for chunk in chunks:
        part = _part(plan, seals, chunk)
        begins, ends = (part["above"], part["upto"]) if "after" not in part else (part["after"], _last(plan, seals, chunk))
        if begins != place or (ends is None) is not (chunk is chunks[-1]):
            raise not_planned()
        place = ends


def _part(plan: Planned, seals: Seals, chunk: Chunk) -> Any:
    try:
        return seals.open(plan.binding(chunk.number), chunk.part)
    except Tampered:
        raise not_planned() from None


def _last(plan: Planned, seals: Seals, chunk: Chunk) -> Any:
    try:
        return None if chunk.last is None else seals.open(last_binding(plan, chunk.number), chunk.last)
    except Tampered:
        raise not_planned() from None


def last_binding(plan: Planned, number: int) -> list[str | int]:
    """What the place where a chunk ended is sealed for."""
    return [*plan.binding(number), "last"]


def calling_of(job: Job, trace: str, via: tuple[str, ...]) -> Calling:
    """On whose behalf the job's sources are read."""
    return Calling(job.purpose, job.operator, job.case, trace, via, job.application)


def _new(plan: Planned, seals: Seals, number: int, several: bool, part: Mapping[str, object]) -> NewChunk:
    return NewChunk(number, plan.spec.root.source, _name(plan.job, number, several), seals.seal(plan.binding(number), part))


def _name(job: Job, number: int, several: bool) -> str:
    return f"data{f'-{number:0{_NUMBERED}}' if several else ''}.{EXTENSIONS[job.format]}"
