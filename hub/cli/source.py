"""``huitong source``: the departments' systems that the hub reads."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import typer

from hub.cli import deliveries
from hub.cli.checking import check_sources
from hub.cli.faults import NOT_REACHABLE, CliFault
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import show_record, show_rows
from hub.cli.session import acting, opened

group = typer.Typer(help="数据源 Sources.", no_args_is_help=True)


@group.command(
    "add",
    epilog=EXAMPLES + "huitong source add civil_affairs archive --url postgresql+asyncpg://reader@db.example:5432/archive --secret env:ARCHIVE_PASSWORD\n\n"
    "huitong source add civil_affairs archive --url postgresql+asyncpg://reader@db2.example:5432/archive --secret env:ARCHIVE_PASSWORD --replace",
)
def add(
    department: Annotated[str, typer.Argument(help="部门代码 Code of the department.")],
    code: Annotated[str, typer.Argument(help="数据源代码 Code of the source.")],
    url: Annotated[str, typer.Option(help="地址，不含口令 Address, without password.")],
    kind: Annotated[str, typer.Option(help="sql | rest | graphql | files")] = "sql",
    secret: Annotated[str | None, typer.Option(help="口令所在 Where the password lies: env:NAME or file:PATH")] = None,
    pool: Annotated[int | None, typer.Option(help="连接数 Connections.")] = None,
    timeout_ms: Annotated[int | None, typer.Option(help="超时（毫秒） Timeout in milliseconds.")] = None,
    exchange_masks: Annotated[
        Literal["hub", "source"] | None,
        typer.Option(help="批量交换在何处脱敏，默认 Where batch exchange masks: in the hub's exporting process, or in the source where it can. Default: hub."),
    ] = None,
    exchange_sessions: Annotated[
        int | None, typer.Option(min=1, max=16, help="批量交换会话上限，默认 Streams of batch exchange at once, over all servers. Default: 2.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="更改已登记的数据源；未给出的取默认值 Change a registered one; what is not given has its default.")
    ] = False,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """登记数据源 Register a source apart from a manifest, or change one (--replace); a running hub reads it at once."""
    given = {"code": code, "kind": kind, "url": url, "secret": secret, "pool": pool, "timeout_ms": timeout_ms}
    given |= {"exchange_masks": exchange_masks, "exchange_sessions": exchange_sessions}
    with opened() as core:
        made = core.catalog.register_source(acting(actor), department, replace, **given)
    show_record({"code": made}, as_json, f"已{'更改 changed' if replace else '登记 registered'} {made}; huitong source check {made}")


@group.command("remove", epilog=EXAMPLES + "huitong source remove civil_affairs archive")
def remove(
    department: Annotated[str, typer.Argument(help="部门代码 Code of the department.")],
    code: Annotated[str, typer.Argument(help="数据源代码 Code of the source.")],
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """删除单独登记的数据源 Remove a source that was registered apart from a manifest; not while a resource is read from it."""
    with opened() as core:
        gone = core.catalog.remove_source(acting(actor), department, code)
    show_record({"code": gone}, as_json, f"已删除数据源 removed source {gone}")


@group.command("list", epilog=EXAMPLES + "huitong source list")
def show(as_json: AsJson = False) -> None:
    """列出数据源 List the sources: those registered and those of published manifests."""
    with opened() as core:
        sources = core.catalog.current().sources
    rows = [
        {"code": code, "kind": one.kind, "url": one.url, "secret": one.secret, "pool": one.pool, "timeout_ms": one.timeout_ms}
        | {"exchange_masks": one.exchange_masks, "exchange_sessions": one.exchange_sessions}
        for code, one in sorted(sources.items())
    ]
    show_rows(rows, as_json, "尚无数据源 no sources yet: huitong source add, or huitong catalog import")


@group.command("check", epilog=EXAMPLES + "huitong source check civil_affairs.register")
def check(code: Annotated[str | None, typer.Argument(help="仅此数据源 Only this source.")] = None, as_json: AsJson = False) -> None:
    """检查数据源 Open each source and ask whether it answers. Exit code 3 where one does not."""
    with opened() as core:
        sources = core.catalog.current().sources
    if code is not None and code not in sources:
        raise CliFault(f"没有数据源 no source {code}", f"huitong source list ({', '.join(sorted(sources)) or '-'})")
    checks = asyncio.run(check_sources({name: one for name, one in sorted(sources.items()) if code in (None, name)}))
    show_rows([one.as_json() for one in checks], as_json, "尚无数据源 no sources yet")
    if not all(one.ok for one in checks):
        raise typer.Exit(NOT_REACHABLE)


group.command("deliveries", epilog=deliveries.EPILOG)(deliveries.deliveries)
