"""The scheduler's and the workers' processes: Dask's own, without anything that listens besides the port in mutual TLS. Loads Dask."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Scheduler, Worker

from hub.exchange.executors.dask_tls import Tls, address_of, security
from hub.exchange.executors.dask_work import Site, work_here

_CLOSE_SECONDS = 5.0
_SCHEDULER: dict[str, Any] = {
    # The hub makes another attempt, with names of its own; Dask's would write the same file twice.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.http.routes": [],
    "distributed.scheduler.preload": [],
}
_WORKER: dict[str, Any] = {
    # Receipts are small; rows pass through files and never through Dask.
    **{f"distributed.worker.memory.{name}": False for name in ("target", "spill", "pause", "terminate")},
    "distributed.worker.profile.enabled": False,
    "distributed.worker.http.routes": [],
    "distributed.worker.preload": [],
}
_COMMON: dict[str, Any] = {
    "distributed.comm.require-encryption": True,
    "distributed.comm.timeouts.connect": "5s",
    "distributed.diagnostics.nvml": False,
    "distributed.admin.system-monitor.disk": False,
}
_SCHEDULER_BLOCKED = [
    *("broadcast", "proxy", "run_function", "scatter", "update_data", "feed", "register_scheduler_plugin", "register_worker_plugin"),
    *("register_nanny_plugin", "dump_cluster_state_to_url", "benchmark_hardware", "restart", "restart_workers", "terminate"),
]
_WORKER_BLOCKED = [
    *("run", "run_coroutine", "upload_file", "plugin-add", "plugin-remove", "actor_execute", "actor_attribute", "update_data"),
    *("benchmark_disk", "benchmark_memory", "benchmark_network"),
]


class _SilentScheduler(Scheduler):
    """Listens at its own port only, and does nothing but schedule."""

    def start_http_server(self, *_: object, **__: object) -> None:
        """Pages in clear text are not offered."""


class _SilentWorker(Worker):
    """The same."""

    def start_http_server(self, *_: object, **__: object) -> None:
        """Pages in clear text are not offered."""


def serve_scheduler(tls: Tls, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Runs the scheduler until SIGINT or SIGTERM; ``ready`` is told its address.

    Raises:
        DaskFault: the files of the mutual TLS cannot be used.
        OSError: the port cannot be had.
    """
    trusted = security(tls, "scheduler")

    async def life() -> None:
        ended = _signalled()
        async with _SilentScheduler(host=host, port=port, protocol="tls", security=trusted, dashboard=False, blocked_handlers=_SCHEDULER_BLOCKED) as scheduler:
            ready(scheduler.address)
            await ended.wait()

    with dask.config.set({**_COMMON, **_SCHEDULER}), _plain_faults():
        asyncio.run(life())


def serve_worker(url: str, tls: Tls, host: str | None, port: int, slots: int, site: Site, ready: Callable[[str], None]) -> bool:
    """Runs a worker until SIGINT or SIGTERM; ``False`` where it lost its scheduler and is to begin anew, in a new process.

    Raises:
        DaskFault: the address or the files of the mutual TLS cannot be used.
        OSError: the port cannot be had.
    """
    address, trusted = address_of(url), security(tls, "worker")
    work_here(site)

    async def life() -> bool:
        ended = asyncio.create_task(_signalled().wait())
        worker = _SilentWorker(
            address,
            host=host,
            port=port,
            protocol="tls",
            security=trusted,
            nthreads=slots,
            memory_limit=0,
            dashboard=False,
            nanny=None,
            heartbeat_interval="1s",
        )
        living = asyncio.create_task(_while_alive(worker, ready))
        await asyncio.wait({ended, living}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            ended.cancel()
            await living
            return False
        living.cancel()
        await asyncio.wait({living})
        await worker.close(timeout=_CLOSE_SECONDS, reason="signal")
        return True

    with dask.config.set({**_COMMON, **_WORKER}), _plain_faults():
        return asyncio.run(life())


async def _while_alive(worker: Worker, ready: Callable[[str], None]) -> None:
    # Waits for its scheduler as long as there is none.
    await worker
    ready(worker.address)
    await worker.finished()


@contextmanager
def _plain_faults() -> Iterator[None]:
    """Dask wraps whatever keeps it from starting."""
    try:
        yield
    except RuntimeError as fault:
        if isinstance(fault.__cause__, OSError):
            raise fault.__cause__ from None
        raise


def _signalled() -> asyncio.Event:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    return ended
