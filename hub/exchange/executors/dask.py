"""Chunks worked on by a cluster of Dask. The cluster keeps nothing that counts: when it is lost, its chunks begin anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from hub.exchange.executors.dask_tls import DaskFault, Tls, address_of, probe, security
from hub.exchange.executors.dask_work import Outcome, named, packed, work_on
from hub.exchange.executors.precedence import Precedence
from hub.exchange.executors.spi import Progress, WorkerLost
from hub.exchange.executors.worker_keys import subject_mark
from hub.exchange.work.task import ChunkFault, ChunkReceipt, ChunkTask
from hub.ledger.subjects import Subjects
from hub.settings import Settings
from hub.sharing.workdays import china_day

if TYPE_CHECKING:
    from distributed import Client, Future

Function = Callable[[bytes, str, str], Outcome]
_CONNECT_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_LOOK_SECONDS = 0.1
_RENEWED_BEFORE = timedelta(days=30)
log = structlog.get_logger(__name__)


def dask_executor(settings: Settings, subjects: Subjects) -> DaskExecutor:
    """The executor of ``exchange_executor = "dask://…"``; connects when it is given work.

    Raises:
        DaskFault: a setting of the mutual TLS is missing or cannot be used, or Dask is not installed.
    """
    return DaskExecutor(settings.exchange_executor, _tls(settings), settings.exchanges, subject_mark(subjects))


def check_scheduler(settings: Settings) -> str:
    """Speaks to the scheduler of the settings; its address.

    Raises:
        DaskFault: as :func:`dask_executor`, it does not trust the hub or the hub not it, there is none, or the hub's certificate runs out within a month.
    """
    url, tls = settings.exchange_executor, _tls(settings)
    security(tls, "client")
    if not probe(url, tls):
        raise DaskFault(f"调度进程不可达，分块等待 no scheduler answers at {url}; chunks wait: huitong exchange scheduler")
    if (ends := tls.check()) - datetime.now(UTC) < _RENEWED_BEFORE:
        day = china_day(ends).isoformat()
        raise DaskFault(f"证书将于 {day} 到期 the certificate runs out on {day}: {tls.cert}: huitong exchange certificates --renew")
    return url


def _tls(settings: Settings) -> Tls:
    given = {name: getattr(settings, f"exchange_tls_{name}") for name in ("ca", "cert", "key")}
    if missing := [f"exchange_tls_{name}" for name, path in given.items() if path is None]:
        raise DaskFault(
            f"dask:// 只用双向 TLS，缺少设置 is spoken to by mutual TLS only; settings are missing: {', '.join(missing)}: huitong exchange certificates"
        )
    return Tls(**given)


class DaskExecutor:
    """Gives chunks to the scheduler at ``url`` (``dask://host:port``); its workers see ``folder``, the exchange directory, wherever it is mounted.

    All of it happens on the loop that calls :meth:`run`. While there is no scheduler, or no worker, chunks wait.

    Raises:
        DaskFault: the address or a file cannot be used, or Dask is not installed.
    """

    def __init__(self, url: str, tls: Tls, folder: Path, mark: str, function: Function = work_on) -> None:
        self._address = address_of(url)
        self._url, self._tls = url, tls
        self._security = security(tls, "client")
        self._folder = folder
        self._mark = mark
        self._function = function
        self.precedence: Precedence | None = None
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._heard: object = None
        self._topic = f"huitong-{id(self):x}"
        self._progress: dict[str, Progress] = {}
        self._without_workers = False

    @property
    def places(self) -> int:
        """Threads of the workers, as of a few seconds ago; 1 while nobody knows."""
        if self._client is None or self._client.status != "running":
            return 1
        return max(1, int(self._client.scheduler_info(n_workers=0).get("total_threads", 1)))

    async def run(self, task: ChunkTask, progress: Progress) -> ChunkReceipt:
        """As the protocol says; waits for as long as there is no scheduler."""
        payload, name = packed(task, self._folder), named(task)
        client = await self._connected()
        key = ("huitong-chunk", task.job, task.number, task.attempt)
        self._progress[name] = progress
        self._look(client)
        future = client.submit(self._function, payload, self._mark, self._topic, key=key, pure=False, retries=0)
        try:
            return await _outcome(future, name)
        finally:
            del self._progress[name]
            # Whoever still works on it sees that nobody waits any more.
            future.release()

    async def close(self) -> None:
        """Takes leave of the scheduler, which takes what still runs from the workers."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connected(self) -> Client:
        async with self._connecting:
            pause = _FIRST_PAUSE
            while (client := await self._current()) is None:
                try:
                    self._client = await self._open()
                except OSError as fault:
                    log.warning("exchange_scheduler_unreachable", scheduler=self._address, fault=await self._reason(fault), again_in=pause)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
            if self._heard is not client.scheduler_comm:
                # A scheduler that was started anew knows of no listener.
                client.subscribe_topic(self._topic, self._hear)
                self._heard = client.scheduler_comm
            return client

    async def _current(self) -> Client | None:
        """The client that there is, once it knows whether it finds its scheduler again."""
        while self._client is not None and self._client.status in ("connecting", "closing"):  # noqa: ASYNC110 - Dask tells of it by nothing else
            await asyncio.sleep(_LOOK_SECONDS)
        return self._client if self._client is not None and self._client.status == "running" else None

    async def _reason(self, fault: OSError) -> str:
        """Why there is no client. Dask does not tell whose certificate is not believed, or has run out since the hub was started."""
        try:
            self._tls.check()
            await asyncio.to_thread(probe, self._url, self._tls)
        except DaskFault as wrong:
            return str(wrong)
        cause = fault.__cause__ or fault
        return f"{type(fault).__name__}: {type(cause).__name__}"

    async def _open(self) -> Client:
        from distributed import Client

        client = Client(self._address, security=self._security, asynchronous=True, set_as_default=False, timeout=_CONNECT_SECONDS)
        try:
            await client
        except BaseException:
            await client.close()
            raise
        return client

    def _look(self, client: Client) -> None:
        """Says once when a chunk has to wait for a worker."""
        without = not client.scheduler_info(n_workers=0).get("total_threads", 1)
        if without and not self._without_workers:
            log.warning("exchange_no_workers", scheduler=self._address)
        self._without_workers = without

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        told = event[1]
        if (progress := self._progress.get(told["chunk"])) is not None:
            progress(int(told["rows"]), int(told["bytes"]))


async def _outcome(future: Future[Outcome], name: str) -> ChunkReceipt:
    from distributed import KilledWorker

    try:
        found: object = await future
    except (KilledWorker, CancelledError, OSError) as fault:
        raise WorkerLost(f"{name}: {type(fault).__name__}") from None
    except Exception as fault:
        # The work itself raises nothing: scheduler or worker are of another version, or end. Its text may quote a value.
        log.exception("exchange_worker_failed", exc_info=False, chunk=name, fault=type(fault).__name__)
        raise WorkerLost(f"{name}: {type(fault).__name__}") from None
    if isinstance(found, ChunkFault):
        raise found
    if not isinstance(found, ChunkReceipt):
        raise WorkerLost(f"{name}: begun before, or no longer wanted")
    return found
