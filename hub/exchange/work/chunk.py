"""The work of one chunk: rows are read, joined, masked and written, while the next ones are on their way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from connectors.calling import CALLING, Calling
from connectors.errors import ConfigFault, SourceFault
from connectors.spi import Source
from hub.exchange.work.faults import of_configuration, of_disk, of_source
from hub.exchange.work.formats import writer_of
from hub.exchange.work.joining import Found, Joining, Table, table_of
from hub.exchange.work.kit import Kit
from hub.exchange.work.layout import page_of
from hub.exchange.work.reading import Rows
from hub.exchange.work.sink import Sink
from hub.exchange.work.subjects import Naming
from hub.exchange.work.task import ChunkReceipt, ChunkTask

Progress = Callable[[int, int], None]


async def run_chunk(task: ChunkTask, kit: Kit, progress: Progress) -> ChunkReceipt:
    """Writes the chunk's file and that of its subjects; both are on the disk when this returns, and neither is there when it raises.

    Arrow's kernels, files and digests keep a thread busy, not the event loop. ``progress`` is called on the loop, with rows and bytes so far.

    Raises:
        ChunkFault: it came to nothing.
    """
    calling = task.calling
    bound = Calling(task.job, calling.purpose, calling.operator, calling.case, calling.trace, via=calling.via, caller=calling.caller, batch=True)
    token = CALLING.set(bound)
    try:
        receipt = await _Chunk(task, kit, progress).run()
        return replace(receipt, remote=tuple(bound.receipts))
    except SourceFault as fault:
        raise of_source(task, fault) from fault
    except ConfigFault as fault:
        raise of_configuration(task, fault) from fault
    finally:
        CALLING.reset(token)


class _Chunk:
    def __init__(self, task: ChunkTask, kit: Kit, progress: Progress) -> None:
        self._task = task
        self._kit = kit
        self._progress = progress
        self._found: list[Found] = []
        self._rows = 0
        self._undelivered = 0
        self._accessed = dict.fromkeys((reading.resource for reading in task.spec.readings), 0)
        self._thread = ThreadPoolExecutor(1, "exchange")
        self._sinks: list[Sink | Naming] = []

    async def run(self) -> ChunkReceipt:
        try:
            receipt = await self._written()
        except BaseException as fault:
            # What the thread still does ends before its files are taken away.
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, self._discard))
            failure = next((sink.fault for sink in self._sinks if sink.fault is not None), fault)
            if isinstance(failure, OSError):
                raise of_disk(failure) from fault
            raise
        finally:
            self._thread.shutdown(wait=False)
        return receipt

    async def _written(self) -> ChunkReceipt:
        task, loop = self._task, asyncio.get_running_loop()
        rows = Rows(task, await self._source(task.spec.root.source))
        joining = Joining(self._source, self._found.append)
        await loop.run_in_executor(self._thread, self._begin)
        writing: asyncio.Future[None] | None = None
        async with aclosing(rows.parts()) as parts:
            async for part in parts:
                table = await joining.joined(table_of(task.spec.root.selection.outputs, part), task.spec.fields)
                if writing is not None:
                    await writing
                    self._progress(self._rows, self._sink.bytes)
                found, self._found[:] = list(self._found), []
                writing = loop.run_in_executor(self._thread, self._write, table, found)
        if writing is not None:
            await writing
        sha256, sm3 = await loop.run_in_executor(self._thread, self._finish)
        self._progress(self._rows, self._sink.bytes)
        return ChunkReceipt(self._rows, self._sink.bytes, sha256, sm3, self._undelivered, self._accessed, rows.last)

    async def _source(self, code: str) -> Source:
        return await self._kit.source(self._task.sources[code])

    def _begin(self) -> None:
        self._sink = Sink(self._task.path, sm3=self._task.sm3)
        self._sinks.append(self._sink)
        self._naming = Naming(self._task.subjects, self._kit.subjects)
        self._sinks.append(self._naming)
        self._writer = writer_of(self._task, self._sink)

    def _write(self, table: Table, found: list[Found]) -> None:
        spec = self._task.spec
        page = page_of(table, spec.fields)
        self._writer.write(page)
        for subject in spec.root.subjects:
            self._naming.add(spec.root.resource, subject.kind, subject.form, table.columns[subject.place])
        for each in found:
            self._take(each)
        self._rows += page.rows
        self._undelivered += page.undelivered
        self._accessed[spec.root.resource] += page.rows

    def _take(self, found: Found) -> None:
        target = found.branch.target
        self._accessed[target.resource] += found.table.rows
        for subject in target.subjects:
            self._naming.add(target.resource, subject.kind, subject.form, found.table.columns[subject.place])
        for named in found.branch.named:
            self._naming.add(target.resource, named.kind, named.form, found.keys)

    def _finish(self) -> Any:
        self._writer.finish()
        self._naming.finish()
        return self._sink.finish()

    def _discard(self) -> None:
        for sink in self._sinks:
            sink.discard()
