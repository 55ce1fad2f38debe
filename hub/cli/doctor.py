"""``huitong doctor``: looks at everything that a hub needs, and says what is wrong and how to mend it."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import typer
from sqlalchemy import select

from hub.cli.checking import Check, check_catalog
from hub.cli.exchange_destinations import check_destinations
from hub.cli.faults import EXPECTED, CliFault
from hub.cli.listening import probe
from hub.cli.options import AsJson
from hub.cli.output import say, show_json
from hub.console.pages import DIST
from hub.core import LOG_BASE, Core, HomeFault, home_lock, open_core
from hub.exchange.executors.dask import check_scheduler
from hub.ledger import tables
from hub.ledger.checkpoint import open_checkpoint
from hub.ledger.errors import KeyMissing
from hub.ledger.history import of_size, read_history
from hub.ledger.ring import KeyRing
from hub.settings import Settings, load_settings
from hub.sharing.rules.files import RuleFault


def command(as_json: AsJson = False) -> None:
    """诊断 Look at settings, home, keys, database, ledger, sources, console and port. Exit code 1 where anything is wrong.

    示例 Examples:

    huitong doctor

    huitong doctor --json
    """
    checks = list(_checks())
    if as_json:
        show_json([one.as_json() for one in checks])
    else:
        for one in checks:
            say(f"{'正常 ok   ' if one.ok else '故障 FAULT'}  {one.name}: {one.message}")
            if one.remedy and not one.ok:
                say(f"             → {one.remedy}")
    if not all(one.ok for one in checks):
        raise typer.Exit(1)


def _checks() -> Iterator[Check]:
    try:
        settings = load_settings()
    except EXPECTED as fault:
        yield Check("settings", False, str(fault), "请更正环境变量或 correct the environment or huitong.toml")
        return
    yield Check("settings", True, f"home {settings.home}, {settings.url}")
    home = _home(settings)
    yield home
    if settings.keys.is_dir():
        yield from _permissions(settings)
        yield from _inside(settings)
    if settings.exchange_executor.startswith("dask:"):
        yield _tried("executor", lambda: check_scheduler(settings))
    yield _tried("console", _console)
    yield _tried("port", lambda: _port(settings))


def _home(settings: Settings) -> Check:
    if not settings.keys.is_dir():
        return Check("home", False, f"{settings.home} 尚未初始化 is not initialised", "huitong init (or huitong demo)")
    if not os.access(settings.home, os.W_OK | os.X_OK):
        return Check("home", False, f"{settings.home} 不可写 is not writable by this user", f"chown -R $(id -un) {settings.home}")
    return Check("home", True, str(settings.home.absolute()))


def _permissions(settings: Settings) -> Iterator[Check]:
    """Keys are for the hub's own user alone."""
    open_to_others = [path for path in (settings.home, settings.keys, *sorted(settings.keys.rglob("*"))) if _is_open(path)]
    for path in open_to_others:
        yield Check("permissions", False, f"他人可访问 others may reach {path}", f"chmod {'700' if path.is_dir() else '600'} {path}")
    if not open_to_others:
        yield Check("permissions", True, "仅本用户可读 only this user reads home and keys")


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _inside(settings: Settings) -> Iterator[Check]:
    keys = _tried("keys", lambda: f"ledger {', '.join(path.name for path in KeyRing(settings.keys, LOG_BASE).held().values())}")
    yield keys
    if not keys.ok:
        return
    try:
        core = open_core(settings)
    except KeyMissing as fault:
        yield Check("keys", False, str(fault), "请复制 keys/ copy keys/ from the home that has it; docs/runbooks/ledger-keys.md")
        return
    except RuleFault as fault:
        yield Check("rules", False, str(fault), "请更正规则集文件或设置 mend the files, or HUITONG_RULE_SETS")
        return
    except EXPECTED as fault:
        yield Check("database", False, str(fault), "请恢复备份或更正 restore the backup, or correct HUITONG_DATABASE")
        return
    try:
        yield Check("database", True, core.engine.url.render_as_string(hide_password=True))
        yield _tried("ledger", lambda: _ledger(core))
        if (missing := core.pseudonyms.missing()) is not None:
            yield Check(
                "pseudonyms", False, f"本机没有当前假名主密钥 the master key p{missing}.key is not here: pseudonyms are withheld", "copy keys/pseudonyms/"
            )
        snapshot = core.catalog.current()
        yield Check("catalog", True, f"snapshot {snapshot.number}, {len(snapshot.resources)} resources, {len(core.sharing.applications())} applications")
        yield from asyncio.run(check_catalog(snapshot))
        yield from check_destinations(settings)
    finally:
        core.close()


def _ledger(core: Core) -> str:
    with core.engine.connect() as connection:
        head = connection.execute(select(tables.head)).one_or_none()
        last = connection.execute(select(tables.checkpoint).order_by(tables.checkpoint.c.size.desc()).limit(1)).one_or_none()
        line = read_history(connection)
    published = 0
    if last is not None:
        try:
            published = open_checkpoint(last.note, [of_size(line, last.size).verifier]).size
        except ValueError as fault:
            raise CliFault(f"最后的检查点无效 the last checkpoint does not hold: {fault}", "huitong ledger verify") from None
    size = 0 if head is None else head.size
    if published > size:
        raise CliFault(f"日志短于检查点 the ledger has {size} entries, its checkpoint {published}", "huitong ledger verify; 请恢复备份 restore the backup")
    return f"{size} entries, {published} published; 全面核验 in full: huitong ledger verify"


def _console() -> str:
    if not (DIST / "index.html").is_file():
        raise CliFault("控制台尚未构建 GraphiQL has not been built", "make build")
    return "GraphiQL"


def _port(settings: Settings) -> str:
    if settings.home.is_dir() and _serving(settings.home):
        return "本目录的汇通正在运行 the hub of this home is running"
    probe(settings.host, settings.port)
    return f"{settings.host}:{settings.port} 可用 is free"


def _serving(home: Path) -> bool:
    try:
        with home_lock(home):
            return False
    except HomeFault:
        return True


def _tried(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except CliFault as fault:
        return Check(name, False, fault.message, fault.remedy)
    except EXPECTED as fault:
        return Check(name, False, str(fault), "")
