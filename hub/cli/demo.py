"""``huitong demo``: the demonstration city, from nothing to a served hub in one command."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.faults import CliFault
from hub.cli.listening import is_loopback, listen, probe
from hub.cli.output import note, say
from hub.cli.serve import LogLevel
from hub.cli.session import opened
from hub.cli.staging import stage, start_rest
from hub.clock import clock
from hub.core import home_lock, initialise
from hub.demo.progress import shown
from hub.demo.samples import choose_samples, write_samples
from hub.demo.seed import DemoData, seed
from hub.settings import Settings, load_settings

PERSONS = 100_000
SETTINGS = 'rule_sets = ["guiyang", "n809"]\n'
"""The demonstration's city is modelled on Guiyang."""
BEYOND_LOOPBACK = "HUITONG_DEMO_BEYOND_LOOPBACK"


def command(
    persons: Annotated[int | None, typer.Option(envvar="SEED_PERSONS", min=1, help="居民数 Residents to seed. Default: as seeded before, else 100000.")] = None,
    host: Annotated[str | None, typer.Option(help="监听地址 Address to listen on. Default: HOST, else 127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="端口 Port; 0 takes a free one. Default: PORT, else 8000")] = None,
    beyond_loopback: Annotated[
        bool, typer.Option("--beyond-loopback", help=f"对外提供演示，须同时设置 Serve beyond this machine; needs {BEYOND_LOOPBACK}=yes as well.")
    ] = False,
    clock_file: Annotated[
        Path | None,
        typer.Option(
            "--clock",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="业务时间从此文件读取 Business time by this file: 2026-02-13T09:00:00+08:00 (and on from there), or +14d; read again when it changes.",
        ),
    ] = None,
    log_level: LogLevel = "warning",
) -> None:
    """演示 Seed the demonstration city and serve it. Everybody and everything in it is invented; a second start takes seconds.

    示例 Examples:

    huitong demo

    SEED_PERSONS=2000 huitong demo --port 8080
    """
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(**given)
    _check_host(settings.host, beyond_loopback)
    probe(settings.host, settings.port)
    clock.follow(clock_file)
    if _open_home(settings):
        settings = load_settings(**given)
    with home_lock(settings.home):
        data = _seed(settings.home, persons)
        with start_rest(data) as service, listen(settings.host, settings.port) as listener:
            settings = settings.model_copy(update={"port": listener.getsockname()[1]})
            with opened(settings) as core:
                stage(core, service.url, note)
                from hub.app import create_app
                from hub.cli.helper import demo_state
                from hub.cli.logs import set_up_logs
                from hub.cli.serving import serve

                set_up_logs(log_level)
                serve(create_app(core, demo_state()), listener, settings, lambda: _tell(settings))
    note("演示已停止 The demonstration has ended.")


def _check_host(host: str, allowed: bool) -> None:
    if is_loopback(host) or (allowed and os.environ.get(BEYOND_LOOPBACK) == "yes"):
        return
    raise CliFault(
        f"演示凭据公开可见，演示不对外提供 the demonstration's credentials are no secret, so it is not served on {host}",
        f"HOST=127.0.0.1, or both --beyond-loopback and {BEYOND_LOOPBACK}=yes",
    )


def _open_home(settings: Settings) -> bool:
    """Makes the home where there is none, with settings of its own; whether it did. A home that somebody initialised for production is left alone."""
    if settings.keys.is_dir() and not (settings.home / "demo").is_dir():
        raise CliFault(
            f"{settings.home} 不是演示目录 is an initialised home without a demonstration; its data would mix",
            "请为演示另选目录 choose another for the demonstration: HUITONG_HOME=.huitong-demo",
        )
    if settings.keys.is_dir():
        return False
    for directory in (settings.home, settings.home / "demo"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = settings.home / "huitong.toml"
    if not told.exists():
        told.write_text(SETTINGS, encoding="utf-8")
    initialise(settings)
    return True


def _seed(home: Path, persons: int | None) -> DemoData:
    wanted = persons or _seeded_before(home) or PERSONS
    try:
        with shown(sys.stderr) as progress:
            data = seed(home, wanted, progress=progress)
    except ValueError as fault:
        raise CliFault(f"{fault}", f"SEED_PERSONS={PERSONS}") from None
    samples = home / "demo" / "samples.json"
    if data.fresh or not samples.exists():
        write_samples(samples, choose_samples(data.databases))
    return data


def _seeded_before(home: Path) -> int | None:
    try:
        found = json.loads((home / "demo" / "stamp.json").read_bytes())["persons"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, int) else None


_USUAL_URL = "http://127.0.0.1:8000"


def _query(settings: Settings) -> str:
    """``huitong query`` as it can be typed here."""
    program = "huitong" if shutil.which("huitong") else str(Path(sys.executable).with_name("huitong"))
    home = "" if settings.home == Path(".huitong") else f" --home {settings.home}"
    # Whatever this shell sets, the one it is typed into may not.
    url = "" if settings.url == _USUAL_URL else f" --url {settings.url}"
    return f"{program}{home} query{url}"


def _tell(settings: Settings) -> None:
    demo = settings.home / "demo"
    say(
        f"\n汇通演示已就绪 The Huitong demonstration serves at {settings.url}\n"
        f"  数据接口 data         {settings.url}/graphql             在浏览器中打开即为 GraphiQL; opens GraphiQL in a browser\n"
        f"  管理接口 governance   {settings.url}/governance/graphql\n"
        f"  凭据 credentials      {demo / 'credentials.json'}\n"
        f"  示例人员 samples      {demo / 'samples.json'}\n"
        f"  试用 try              {_query(settings)} --app housing '{{ civilAffairs {{ persons(first: 3) {{ nodes {{ name birthDate phone }} }} }} }}'\n"
        "  数据均为虚构 everybody in it is invented.   Ctrl-C 停止 ends."
    )
