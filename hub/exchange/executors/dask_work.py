"""What a worker of Dask does with a chunk. Hub, scheduler and workers import this module: it loads neither Dask nor Arrow by itself."""

from __future__ import annotations

import asyncio
import pickle
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import structlog

from connectors.errors import ConfigFault
from connectors.spi import SourceConfig
from hub.exchange.executors.spi import Progress
from hub.exchange.work.task import ChunkFault, ChunkReceipt, ChunkTask
from hub.observation import places
from schema.export_spec import ExportSpec

Work = Callable[[ChunkTask, Progress], Awaitable[ChunkReceipt]]
Outcome = ChunkReceipt | ChunkFault | None
"""``None``: there is none, and another attempt is to be made. Faults are answered, not raised: Dask would log the task, which holds keys of rows."""
_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.(csv|jsonl|parquet|arrow)\Z")
_PROGRESS_SECONDS = 0.5
_LOOK_SECONDS = 0.25
log = structlog.get_logger(__name__)


class _Abandoned(Exception):
    """Nobody waits for the attempt any more."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a worker has: the exchange directory as it is mounted here, the hub's keys, and how it works on chunks."""

    folder: Path
    check: Callable[[str, ExportSpec], None]
    """Raises ChunkFault where a key is missing here: given the mark of the hub's subject key, and the export."""
    work: Work


class _Here:
    """The site of this process; there is none but in ``huitong exchange worker``."""

    site: Site | None = None


def work_here(site: Site) -> None:
    """Makes this process a worker of chunks."""
    _Here.site = site


def named(task: ChunkTask) -> str:
    """What the attempt is called between hub and worker."""
    return f"{task.job}/{task.number}/{task.attempt}"


def packed(task: ChunkTask, folder: Path) -> bytes:
    """The task for a worker, where the exchange directory ``folder`` may have another path."""
    return pickle.dumps(replace(task, folder=task.folder.absolute().relative_to(folder.absolute())), protocol=5)


def work_on(payload: bytes, mark: str, topic: str) -> Outcome:
    """One chunk, in one of the worker's threads. Tells of its progress under ``topic``. Raises nothing."""
    return work_with(None, payload, mark, topic)


def work_with(work: Work | None, payload: bytes, mark: str, topic: str) -> Outcome:
    """The same, done by ``work`` instead of the site's own."""
    try:
        site = _Here.site
        if site is None:
            raise _refused("执行进程须由 huitong exchange worker 启动", "this worker was not started by `huitong exchange worker`")
        task = accepted(payload, site.folder)
        site.check(mark, task.spec)
        # Dask repeats by itself what a lost worker did; but two must never write one attempt.
        return None if task.path.exists() else _worked(work or site.work, task, topic)
    except ChunkFault as fault:
        return _as_of_here(fault)
    except _Abandoned:
        return None
    except Exception as fault:
        # Its text may quote a value; neither log nor scheduler shall hold it.
        log.exception("exchange_chunk_failed", exc_info=False, fault=type(fault).__name__, places=places(fault))
        return ChunkFault("INTERNAL", "执行进程内部错误", f"internal error of a worker: {type(fault).__name__}", retryable=True)


def _as_of_here(fault: ChunkFault) -> ChunkFault:
    """A source that cannot be opened on this machine may be on another: its password does not lie here, or its driver is not installed."""
    here = isinstance(fault.__cause__, ConfigFault)
    log.warning("exchange_chunk_fault", code=fault.code, reason=str(fault.__cause__) if here else fault.en)
    if not here:
        return fault
    return ChunkFault(fault.code, fault.zh, fault.en, retryable=True)


def _worked(work: Work, task: ChunkTask, topic: str) -> ChunkReceipt:
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    told = [time.monotonic()]

    def progress(rows: int, size: int) -> None:
        if (now := time.monotonic()) - told[0] >= _PROGRESS_SECONDS:
            told[0] = now
            worker.log_event(topic, {"chunk": named(task), "rows": rows, "bytes": size})

    def unwanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is None or state.state == "cancelled" or worker.status.name in ("closing", "closed")

    return asyncio.run(_while_wanted(work(task, progress), unwanted))


def accepted(payload: bytes, folder: Path) -> ChunkTask:
    """The task, with its folder as it is here: one below ``folder``, which the hub has made.

    Raises:
        ChunkFault: it is no task that a hub of this version makes, or the exchange directory is not shared with the hub.
    """
    try:
        task = pickle.loads(payload)  # noqa: S301 - Dask's tasks are code: whoever may submit one needs no pickle to run some
    except Exception as fault:  # noqa: BLE001 - a pickle raises whatever it likes
        # Perhaps the machines are being brought to another release one after the other.
        raise ChunkFault("INTERNAL", "任务无法读取", f"the task cannot be read here: {type(fault).__name__}", retryable=True) from None
    if not isinstance(task, ChunkTask) or not _well_formed(task):
        raise _refused("任务格式有误", "the task is not well-formed")
    base = folder.resolve()
    here = (base / task.folder).resolve()
    if not _below(task.folder) or not here.is_relative_to(base) or here == base:
        raise _refused("任务的目录不在交换目录之内", "the task's folder is not within the exchange directory")
    if not here.is_dir():
        raise ChunkFault(
            "INTERNAL",
            "执行进程未见到作业目录：交换目录未共享",
            "the worker does not see the job's folder: the exchange directory is not shared",
            retryable=True,
        )
    return replace(task, folder=here)


def _well_formed(task: ChunkTask) -> bool:
    with suppress(AttributeError, TypeError):
        numbers = all(isinstance(number, int) and number >= 1 for number in (task.number, task.attempt))
        sources = all(isinstance(source, SourceConfig) and source.code == code for code, source in task.sources.items())
        named_well = bool(_JOB.match(task.job)) and bool(_NAME.match(task.name))
        return numbers and sources and named_well and isinstance(task.spec, ExportSpec) and isinstance(task.folder, Path)
    return False


def _below(folder: Path) -> bool:
    return bool(folder.parts) and not folder.is_absolute() and ".." not in PurePosixPath(folder).parts


async def _while_wanted(work: Awaitable[ChunkReceipt], unwanted: Callable[[], bool]) -> ChunkReceipt:
    """Ends the work once nobody waits for it: Dask does not interrupt threads."""
    running = asyncio.ensure_future(work)
    while not running.done():
        await asyncio.wait({running}, timeout=_LOOK_SECONDS)
        if not running.done() and unwanted():
            running.cancel()
            await asyncio.wait({running})
            raise _Abandoned
    return running.result()


def _refused(zh: str, en: str) -> ChunkFault:
    return ChunkFault("INTERNAL", zh, en, retryable=False)
