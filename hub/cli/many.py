"""``huitong serve`` with several worker processes: what the supervisor checks once, and what each worker opens for itself."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

from hub.cli.faults import EXPECTED, CliFault, tell
from hub.cli.listening import listen, probe
from hub.cli.output import note
from hub.cli.session import opened
from hub.cli.workers import BEAT_SECONDS, Supervisor
from hub.core import home_lock
from hub.settings import Settings

_LAST_PORT = 65535


def serve_many(settings: Settings, log_level: str) -> int:
    """Serves until a signal ends it; the exit code.

    Raises:
        CliFault: the control database is SQLite's, or an address cannot be had.
        HomeFault: as ``open_core``; another hub serves from this home alone.
    """
    if not settings.shared:
        raise CliFault(
            "多进程须以 PostgreSQL 为控制库 several workers need a control database on PostgreSQL; SQLite serves one process",
            "HUITONG_WORKERS=1, or HUITONG_DATABASE=postgresql+psycopg://user@host/database",
        )
    _look_at_ports(settings)
    with listen(settings.host, settings.port, together=True) as held:
        settings = settings.model_copy(update={"port": held.getsockname()[1]})
        _prepare(settings)
        from hub.cli.logs import set_up_logs

        set_up_logs(log_level)
        with home_lock(settings.home, shared=True):
            ready = f"汇通已就绪 Huitong serves at {settings.url} with {settings.workers} workers (Ctrl-C 停止 ends)"
            return Supervisor(settings.workers, lambda number, tell_ready: _work(_own(settings, number), tell_ready), lambda: note(ready)).run()


def _look_at_ports(settings: Settings) -> None:
    # Sockets that share a port would hide that somebody else has it.
    probe(settings.host, settings.port)
    if settings.admin_port:
        ports = range(settings.admin_port, settings.admin_port + settings.workers)
        if ports[-1] > _LAST_PORT or settings.port in ports:
            told = (
                f"管理端口与服务端口相同或超出范围 the administration ports {ports[0]} to {ports[-1]}, one for each worker, do not fit beside {settings.port}"
            )
            raise CliFault(told, "HUITONG_ADMIN_PORT=9464")
        for port in ports:
            probe(settings.admin_host, port, "HUITONG_ADMIN_PORT")


def _own(settings: Settings, number: int) -> Settings:
    """A worker's settings: administration listeners lie side by side, from the port that is set on."""
    return settings.model_copy(update={"admin_port": settings.admin_port + number}) if settings.admin_port else settings


def _prepare(settings: Settings) -> None:
    """Migrates, makes keys, and tells what is amiss, once; then loads what all workers share as memory of the supervisor."""
    with opened(settings):
        pass
    import hub.app
    import hub.cli.serving  # noqa: F401

    gc.collect()
    gc.freeze()


def _beat(tell: Callable[[], None]) -> None:
    """Tells now, and as long as the event loop turns."""
    tell()
    asyncio.get_running_loop().call_later(BEAT_SECONDS, _beat, tell)


def _work(settings: Settings, ready: Callable[[], None]) -> int:
    from hub.app import create_app
    from hub.cli.serving import serve

    try:
        with listen(settings.host, settings.port, together=True) as listener, opened(settings) as core:
            serve(create_app(core), listener, settings, lambda: _beat(ready))
    except EXPECTED as fault:
        return tell(fault)
    return 0
