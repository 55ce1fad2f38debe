"""``python -m hub.exchange.executors.dask_process ROLE JSON``: what ``huitong exchange worker`` and ``scheduler`` become, without the rest of the hub."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from hub.cli.logs import set_up_logs
from hub.exchange.executors.dask_tls import DaskFault, Tls
from hub.exchange.executors.dask_work import Site, Work
from hub.exchange.executors.spi import Progress
from hub.exchange.executors.worker_keys import KeysMissing, WorkerKeys
from hub.exchange.work.task import ChunkReceipt, ChunkTask
from hub.ledger.subjects import Subjects

_MODULE = "hub.exchange.executors.dask_process"
_FAILED, _NOT_REACHABLE = 1, 3


@dataclass(frozen=True, slots=True)
class SchedulerOptions:
    """What the scheduler is told."""

    tls: tuple[str, str, str]
    """Authority, certificate, key."""
    host: str
    port: int
    log_level: str


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a worker is told: where its secrets lie, never a secret."""

    scheduler: str
    tls: tuple[str, str, str]
    """Authority, certificate, key."""
    host: str
    port: int
    slots: int
    folder: str
    keys: str
    log_level: str


def become(options: SchedulerOptions | WorkerOptions) -> NoReturn:
    """Replaces this process."""
    role = "scheduler" if isinstance(options, SchedulerOptions) else "worker"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", _MODULE, role, json.dumps(asdict(options))])  # noqa: S606 - a fixed list


def folder_fault(folder: Path) -> str:
    """What is wrong with a worker's exchange directory, in Chinese and English; empty where nothing is."""
    if not folder.is_dir():
        return f"没有交换目录 there is no exchange directory: {folder}: 请挂载各机器共享的目录 mount the one that all machines share"
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return f"无权写入交换目录 the exchange directory cannot be written: {folder}"
    return ""


def main(arguments: list[str]) -> int:
    """Runs until a signal; 0 then."""
    role, given = arguments[0], json.loads(arguments[1])
    try:
        if role == "scheduler":
            return _scheduler(SchedulerOptions(**given))
        return _worker(WorkerOptions(**given))
    except (DaskFault, KeysMissing) as fault:
        return _failed(str(fault), _FAILED)
    except OSError as fault:
        return _failed(f"无法监听 cannot listen on {given['host']}:{given['port']}: {fault.strerror}", _NOT_REACHABLE)


def _scheduler(options: SchedulerOptions) -> int:
    _logged(options.log_level)
    from hub.exchange.executors.dask_serving import serve_scheduler

    serve_scheduler(_tls(options), options.host, options.port, lambda address: _note(f"调度进程已就绪 The scheduler listens at {address} (Ctrl-C 停止 ends)"))
    _note("调度进程已停止 The scheduler has ended.")
    return 0


def _worker(options: WorkerOptions) -> int:
    keys = WorkerKeys(Path(options.keys))
    folder = Path(options.folder)
    if wrong := folder_fault(folder):
        return _failed(wrong, _FAILED)
    _logged(options.log_level)
    from hub.exchange.executors.dask_serving import serve_worker

    site = Site(folder, keys.check, _work(keys.subjects))
    place = (options.host, options.port, options.slots)
    if serve_worker(
        options.scheduler, _tls(options), *place, site, lambda address: _note(f"执行进程已就绪 The worker is ready at {address} (Ctrl-C 停止 ends)")
    ):
        _note("执行进程已停止 The worker has ended.")
        return 0
    _note("与调度进程失去联系，重新开始 The scheduler is lost; the worker begins anew")
    # Whatever its threads still do ends with the process.
    become(options)


def _work(subjects: Subjects) -> Work:
    async def work(task: ChunkTask, progress: Progress) -> ChunkReceipt:
        from hub.exchange.work.chunk import run_chunk
        from hub.exchange.work.kit import Kit

        kit = Kit(subjects)
        try:
            return await run_chunk(task, kit, progress)
        finally:
            await kit.close()

    return work


def _tls(options: SchedulerOptions | WorkerOptions) -> Tls:
    return Tls(*map(Path, options.tls))


def _logged(level: str) -> None:
    """The hub's log; what Dask tells of its progress is for debugging."""
    set_up_logs(level)
    # Sets the levels for what is told otherwise.
    from hub.exchange.executors.dask_security import LOGGERS

    if level == "debug":
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.INFO)


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _failed(text: str, code: int) -> int:
    _note(f"错误 error: {text}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
