"""``huitong usage``: figures for the assessment, the rules that count them, and their audit."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from typing import Annotated

import typer
from sqlalchemy import select

from hub.cli.faults import CliFault
from hub.cli.options import EXAMPLES, AsJson
from hub.cli.output import Record, note, say, show_json, show_rows
from hub.cli.session import opened
from hub.clock import now
from hub.core import Core
from hub.settings import load_settings
from hub.sharing.workdays import china_day
from hub.store.engine import reading
from hub.usage.figures import Figures
from hub.usage.query import By, Scope, sums
from hub.usage.recompute import DayCheck, recompute
from hub.usage.roller import Roller
from hub.usage.rulebook import UsageRules
from hub.usage.tables import position

group = typer.Typer(help="使用情况 Usage, for the assessment 考核.", no_args_is_help=True)
From = Annotated[str | None, typer.Option("--from", metavar="DAY", help="首日（北京日）First Beijing day; default: 1 January of the last day's year.")]
To = Annotated[str | None, typer.Option("--to", metavar="DAY", help="末日 Last day; default: today.")]
_YEARS = range(2000, 3000)
"""Years of which figures can be asked for: those next to the ends of the calendar have days that cannot be reckoned with."""
_COLUMNS = ("calls", "ok", "partial", "refused", "failed", "counted", "rows", "subjects")


@group.callback()
def usage() -> None:
    """使用情况 Usage, for the assessment 考核."""


@group.command(
    "show", epilog=EXAMPLES + "huitong usage show --by provider\n\nhuitong usage show --by day --from 2026-03-01 --to 2026-03-31 --department civil_affairs"
)
def show(
    since: From = None,
    until: To = None,
    by: Annotated[By, typer.Option(help="按何统计 What to group by.")] = By.TOTAL,
    department: Annotated[str | None, typer.Option(help="限该部门提供或使用的 Only what this department provided or consumed.")] = None,
    as_json: AsJson = False,
) -> None:
    """查看使用情况 Show the daily figures, added up. While a hub serves they follow the log by half a minute."""
    first, last = period(since, until)
    with opened() as core:
        follow(core)
        with reading(core.engine, patience=0) as connection:
            found = sums(connection, first, last, by, Scope(department))
    if as_json:
        show_json([{"code": code, **figures.as_json()} for code, figures in found])
    else:
        show_rows([_row(code, figures) for code, figures in found], False, f"{first} – {last} 无使用记录 no usage")


@group.command("recompute", epilog=EXAMPLES + "huitong usage recompute --check\n\nhuitong usage recompute --from 2026-01-01 --to 2026-12-31 --check --json")
def recompute_command(
    since: From = None,
    until: To = None,
    check: Annotated[bool, typer.Option("--check", help="只核对，不改写 Only compare, change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """由日志重算每日数字并核对 Count each day again from the ledger, and compare rows and digests. Exit code 1 where anything differs.

    Without --check, days that differ are written anew, each closed by a new entry in the ledger.
    """
    first, last = period(since, until)
    with opened() as core:
        found = _checked(core, first, last)
        wrong = [each for each in found if each.state == "DIFFERS"]
        mended = [] if check else [each.day for each in wrong if _mended(core, each.day)]
    _tell(found, mended, as_json)
    if len(mended) < len(wrong):
        raise typer.Exit(1)


@group.command("rules", epilog=EXAMPLES + "huitong usage rules\n\nhuitong usage rules --on 2026-12-31 --json")
def rules(
    on: Annotated[str | None, typer.Option("--on", metavar="DAY", help="以该日为准 As of this day; default: today.")] = None, as_json: AsJson = False
) -> None:
    """查看防止虚增调用量的规则 Show the rules against inflation that count a day, in the order in which they are tried."""
    version = UsageRules.of_home(load_settings().home).on(_day(on, china_day(now())))
    rows: list[Record] = [
        {"version": version.name, "id": rule.id, "kind": rule.kind, "minutes": rule.minutes, "percent": rule.percent, "floor": rule.floor}
        | {"text": rule.text, "text_en": rule.text_en}
        for rule in version.rules
    ]
    show_rows(rows, as_json, "当日没有规则 no rules count that day")


def period(since: str | None, until: str | None) -> tuple[date, date]:
    """The days that a command is about.

    Raises:
        CliFault: one is no day, or they are in the wrong order.
    """
    last = _day(until, china_day(now()))
    first = _day(since, last.replace(month=1, day=1))
    if first > last:
        raise CliFault(f"首日晚于末日 the first day is after the last: {first} > {last}", "--from 2026-01-01 --to 2026-12-31")
    return first, last


def follow(core: Core, told: Callable[[int], None] | None = None) -> None:
    """Rolls up what is published, unless a serving hub does; ``told`` hears the number of entries up to which that is done."""
    roller = _roller(core)
    roller.run(1)
    while roller.behind:
        if told is not None:
            with reading(core.engine) as connection:
                told(connection.execute(select(position.c.seq)).scalar() or 0)
        roller.run(1)


def _day(text: str | None, default: date) -> date:
    try:
        day = default if text is None else date.fromisoformat(text)
        if day.year not in _YEARS:
            raise ValueError(day)
        return day
    except ValueError:
        raise CliFault(f"日期格式不正确或超出 2000–2999 年 not a day of the years 2000 to 2999: {text}", "2026-02-13") from None


def _row(code: str, figures: Figures) -> Record:
    times = {f"p{percent}_ms": figures.percentile(percent) for percent in (50, 95)}
    return {"code": code or "-", **{name: getattr(figures, name) for name in _COLUMNS}, **times}


def _checked(core: Core, first: date, last: date) -> list[DayCheck]:
    with reading(core.engine, patience=0) as connection:
        return list(recompute(connection, UsageRules.of_home(core.settings.home), first, last))


def _mended(core: Core, day: date) -> bool:
    return _roller(core).roll_anew(day)


def _roller(core: Core) -> Roller:
    return Roller(core.engine, core.ledger, UsageRules.of_home(core.settings.home), f"cli:{os.getpid()}")


def _tell(found: list[DayCheck], mended: list[date], as_json: bool) -> None:
    if as_json:
        show_json([each.as_json() | {"mended": each.day in mended} for each in found])
        return
    wrong = [each for each in found if each.state == "DIFFERS"]
    for each in wrong:
        for difference in each.differences:
            note(f"{each.day}: {difference}")
    counted = f"{len(found)} days, {sum(each.rows for each in found)} rows"
    if wrong:
        say(f"不符 {len(wrong)} days differ of {counted}" + (f"; 已改写 written anew: {', '.join(map(str, mended))}" if mended else ""))
    else:
        say(f"与日志一致 the figures are what the ledger says: {counted}")
