"""``huitong trace``: from a person, a record or a grant to what was taken."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from hub.catalog.sources import SourcePool
from hub.cli.faults import CliFault
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import harmless, note, show_json, show_record, show_rows
from hub.cli.session import acting, opened
from hub.core import Core
from hub.demo.progress import shown, silent
from hub.reading.formats import no_formula
from hub.store.base import CHINA
from hub.tracing.copies import Copy
from hub.tracing.index import Indexer
from hub.tracing.kinds import Wanted
from hub.tracing.resolving import Resolver
from hub.tracing.search import Bounds, Carried
from hub.tracing.service import MOST, Traced, TraceService
from schema.model import Snapshot

group = typer.Typer(help="追溯 Tracing.", no_args_is_help=True)
NOTHING = "没有取用记录 nothing carried it"
Value = Annotated[
    str,
    typer.Argument(
        metavar="-", help="须为 -：从标准输入读取，使其不出现在命令行历史中 Always -: it is read from standard input, and not in the shell's history."
    ),
]
Since = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="起（含），北京时间 From, in China's time.")]
Until = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="止（不含），北京时间 Before, in China's time.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="以 CSV 输出 Print CSV.")]
First = Annotated[int, typer.Option(min=1, max=MOST, help="至多条数，新者在前 At most so many, newest first.")]


@group.command(
    "subject", epilog=EXAMPLES + "huitong trace subject id_number - < number.txt\n\nhuitong trace subject id_number - --ask-sources --csv < number.txt"
)
def subject(
    kind: Annotated[str, typer.Argument(help="标识的信息项代码 Code of the identifying item, e.g. id_number.")],
    value: Value,
    resource: Annotated[str | None, typer.Option(help="仅此资源 Only this resource.")] = None,
    since: Since = None,
    until: Until = None,
    ask_sources: Annotated[
        bool, typer.Option("--ask-sources", help="并请数据源给出该标识现对应的主键 Ask the sources for the stable keys that it has now.")
    ] = False,
    first: First = 200,
    actor: ActorName = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """查谁查看过此人 Who looked at this person or organisation. The question is entered by its keyed hash, never by the value."""
    text = _read(value)
    with opened() as core:
        snapshot, service = core.catalog.current(), _service(core)
        wanted = service.ask_subject(acting(actor), snapshot, kind, text, resource, ask_sources)
        resolver, keys = asyncio.run(_resolved(core, snapshot, wanted, resource)) if ask_sources else (None, [])
        found = service.answer(wanted, _bounds(resource, since, until), first, keys)
    _show(resolver.noted(found) if resolver else found, as_json, as_csv)


@group.command("record", epilog=EXAMPLES + "huitong trace record civil_affairs.person - < key.txt")
def record(
    resource: Annotated[str, typer.Argument(help="资源代码 Code of the resource.")],
    key: Value,
    since: Since = None,
    until: Until = None,
    first: First = 200,
    actor: ActorName = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """查谁取用过这一行 Who took the row with this stable key."""
    text = _read(key)
    with opened() as core:
        service = _service(core)
        found = service.answer(service.ask_record(acting(actor), core.catalog.current(), resource, text), _bounds(None, since, until), first)
    _show(found, as_json, as_csv)


@group.command("grant", epilog=EXAMPLES + "huitong trace grant grant_019a…\n\nhuitong trace grant request_019a… --json")
def grant(
    number: Annotated[str, typer.Argument(help="授权或申请的编号 Number of the grant or request.")],
    first: First = 200,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """查一项授权的全过程 The whole life of a grant: request, steps, calls, exchanges, disposal."""
    with opened() as core:
        life = _service(core).life(acting(actor), number, first)
    if as_json:
        about = {name: value for name, value in asdict(life).items() if name not in ("calls", "copies")}
        show_json({**about, "calls": [_told(carried, life.copy(carried)) for carried in life.calls]})
        return
    note(f"{life.request} → {life.grant or '-'}  {life.application} → {life.resource}  {life.state}  {life.disposal.state if life.disposal else ''}")
    show_rows([asdict(step) for step in life.steps], False, "没有办理步骤 no steps")
    show_rows([_row(carried, life.copy(carried)) for carried in life.calls], False, "没有调用 no calls")


def reindex_command(as_json: AsJson = False) -> None:
    """重建主体索引 Make the index of subjects anew from the log. The hub may run; questions are answered meanwhile, more slowly."""
    with opened() as core, shown(sys.stderr) as bars:
        progress = silent if as_json or not sys.stderr.isatty() else bars
        done = Indexer(core.engine).rebuild(lambda at, total: progress("entries", at, total))
    show_record({"entries": done}, as_json, f"索引覆盖 the index covers {done} 条 entries")


def _read(argument: str) -> str:
    if argument != "-":
        raise CliFault("值须由标准输入给出 the value is read from standard input alone", "huitong trace subject id_number - < number.txt")
    return sys.stdin.read().strip()


def _service(core: Core) -> TraceService:
    return TraceService(core.engine, core.acts, core.subjects)


async def _resolved(core: Core, snapshot: Snapshot, wanted: Wanted, resource: str | None) -> tuple[Resolver, list[str]]:
    pool = SourcePool()
    pool.use(snapshot.sources)
    resolver = Resolver(pool.source, snapshot, core.subjects)
    try:
        return resolver, await resolver.hashes(wanted, resource)
    finally:
        await pool.close()


def _bounds(resource: str | None, since: datetime | None, until: datetime | None) -> Bounds:
    return Bounds(resource, since.replace(tzinfo=CHINA) if since else None, until.replace(tzinfo=CHINA) if until else None)


def _show(found: Traced, as_json: bool, as_csv: bool) -> None:
    rows = [_row(carried, found.copy(carried)) for carried in found.trail.found]
    if as_json:
        calls = [_told(carried, found.copy(carried)) for carried in found.trail.found]
        asked = {"asked": found.asked, "unanswered": found.unanswered, "unasked": found.unasked, "unnamed": found.unnamed}
        show_json({"calls": calls, "more": found.trail.more, "archived": found.trail.archived, **asked})
    elif as_csv:
        _csv(rows)
    else:
        show_rows(rows, False, NOTHING)
    if found.trail.more:
        note("还有更多，请增大 --first 或限定时间 there are more: raise --first, or bound the time")
    if found.trail.archived:
        note(f"另有条目在归档中 entries in the archive: {', '.join(map(str, found.trail.archived))}")
    if found.unanswered:
        note(f"数据源未应答或行数过多，其结果可能不全 sources that did not answer in full: {', '.join(found.unanswered)}")
    if found.unasked:
        note(f"未询问数据源，脱敏显示的行不在其中 without --ask-sources, rows shown masked are not found: {', '.join(found.unasked)}")
    if found.unnamed:
        note(f"这些批量交换未记主体，可能涉及 exchanges that do not say whom they carried, and may have: {', '.join(map(str, found.unnamed))}")


def _csv(rows: Sequence[dict[str, Any]]) -> None:
    writer = csv.writer(sys.stdout)
    if rows:
        writer.writerow(list(rows[0]))
    for row in rows:
        told = ("; ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value) for value in row.values())
        writer.writerow([no_formula(harmless(text)) for text in told])


def _row(carried: Carried, copy: Copy | None) -> dict[str, Any]:
    content = carried.entry.content
    return {
        "entry": carried.entry.seq,
        "at": content.at.astimezone(CHINA).isoformat(timespec="seconds"),
        "operation": content.kind if content.kind == "download" else content.operation,
        "application": content.application or "public",
        "department": content.department,
        "operator": content.operator,
        "case": content.case,
        "purpose": content.purpose,
        "resources": [access.resource for access in carried.accesses],
        "items": [f"{item.code}:{item.mask or item.shown}" for access in carried.accesses for item in access.items],
        "medium": content.medium,
        "outcome": content.outcome,
        "exchange": f"{copy.exchange} {copy.state}, {len(copy.downloads)} downloads" if copy else None,
    }


def _told(carried: Carried, copy: Copy | None) -> dict[str, Any]:
    content = carried.entry.content
    names = ("at", "call", "kind", "operation", "application", "department", "operator", "case", "purpose", "scenario", "basis", "approver")
    about = {name: getattr(content, name) for name in (*names, "medium", "outcome", "code", "trace")}
    accesses = [{name: value for name, value in asdict(access).items() if name not in ("subjects", "subject_set")} for access in carried.accesses]
    return {"entry": carried.entry.seq, **about, "accesses": accesses, "exchange": asdict(copy) if copy else None}
