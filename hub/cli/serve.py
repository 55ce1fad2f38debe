"""``huitong serve``: the hub, in this process or in several."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from hub.cli.listening import check_address, listen
from hub.cli.many import serve_many
from hub.cli.output import note
from hub.cli.session import opened
from hub.core import home_lock
from hub.settings import load_settings

_ENDED = "汇通已停止 Huitong has ended."
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], typer.Option(help="日志级别 Level of the log, which is JSON lines on standard error.")]


def command(
    host: Annotated[str | None, typer.Option(help="监听地址 Address to listen on. Default: HOST, else 127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="端口 Port; 0 takes a free one. Default: PORT, else 8000")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="进程数 Processes that serve the port. Default: HUITONG_WORKERS, else 1")] = None,
    log_level: LogLevel = "info",
) -> None:
    """启动汇通 Serve the hub from an initialised home, until Ctrl-C or SIGTERM.

    示例 Examples:

    huitong serve

    HUITONG_HOME=/srv/huitong HUITONG_PUBLIC_URL=https://hub.example huitong serve --port 8443 --workers 4
    """
    given = {name: value for name, value in (("host", host), ("port", port), ("workers", workers)) if value is not None}
    settings = load_settings(**given)
    check_address(settings)
    if settings.workers > 1:
        code = serve_many(settings, log_level)
        note(_ENDED)
        raise typer.Exit(code)
    with listen(settings.host, settings.port) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        with opened(settings) as core, home_lock(settings.home, settings.shared):
            # The server's own modules are many; other commands do without them.
            from hub.app import create_app
            from hub.cli.logs import set_up_logs
            from hub.cli.serving import serve

            set_up_logs(log_level)
            serve(create_app(core), listener, settings, lambda: note(f"汇通已就绪 Huitong serves at {settings.url} (Ctrl-C 停止 ends)"))
    note(_ENDED)
