"""``huitong calendar``: the working days that the notices of the State Council set."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from hub.cli.calendar_files import read_days
from hub.cli.faults import CliFault
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import note as tell
from hub.cli.output import say, show_json, show_rows
from hub.cli.session import acting, opened
from hub.core import Core
from hub.sharing.calendar_service import CalendarService, EnteredDay, NewDay

group = typer.Typer(help="工作日历 The working calendar.", no_args_is_help=True)


@group.command("import", epilog=EXAMPLES + "huitong calendar import 2027.csv\n\n2027.csv: day,working,note,source")
def load(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="通知内容 The notice: .csv (day,working,note,source) or .toml, a table of days with these keys.")
    ],
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """导入放假通知 Enter the days of a notice, all or none; provisional due days of that year become definite."""
    days = read_days(file)
    with opened() as core:
        made = _service(core).set_days(acting(actor), days)
        _finish(core, made, as_json)


@group.command("set", epilog=EXAMPLES + "huitong calendar set 2027-02-13 working --note 春节调休 --source 国务院办公厅关于2027年部分节假日安排的通知")
def put(
    day: Annotated[str, typer.Argument(metavar="DAY", help="日期 The day, e.g. 2027-02-13")],
    kind: Annotated[Literal["working", "holiday"], typer.Argument(metavar="working|holiday", help="工作日或者休息日 Working day or day off.")],
    source: Annotated[str, typer.Option(help="依据 The notice that says so.")],
    note: Annotated[str, typer.Option(help="备注 A note, e.g. 春节.")] = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """登记一日 Enter one day as working or off, over the published calendar; entered again, it is changed."""
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        raise CliFault(f"日期格式不正确 not a day: {day}", "2027-02-13") from None
    with opened() as core:
        made = _service(core).set_days(acting(actor), [NewDay(parsed, kind == "working", note, source)])
        _finish(core, made, as_json)


@group.command("list", epilog=EXAMPLES + "huitong calendar list 2027")
def show(year: Annotated[int, typer.Argument(min=2004, max=2100, help="年份 The year.")], as_json: AsJson = False) -> None:
    """列出登记的日期 List the days of a year that were entered over the published calendar."""
    with opened() as core:
        service = _service(core)
        rows = service.days(year)
        if service.calendar().is_provisional(date(year, 1, 1)):
            tell(f"{year} 年尚无日历，暂按周一至周五推算 no calendar of {year} is known yet; it is reckoned Monday to Friday")
    show_rows([asdict(one) for one in rows], as_json, f"{year} 年未登记日期 no day of {year} was entered")


def _service(core: Core) -> CalendarService:
    return CalendarService(core.engine, core.acts)


def _finish(core: Core, made: list[EnteredDay], as_json: bool) -> None:
    """Says what was entered, and for which years more is needed before due days are definite."""
    calendar = _service(core).calendar()
    open_years = [year for year in sorted({one.day.year for one in made}) if calendar.is_provisional(date(year, 1, 1))]
    if as_json:
        show_json({"days": [asdict(one) for one in made], "provisional_years": open_years})
        return
    say(f"已登记 entered: {len(made)} 日 day(s), {made[0].day} – {made[-1].day}")
    for year in open_years:
        say(
            f"{year} 年仍暂按周一至周五推算，登记元旦（1 月 1 日）与国庆节（10 月 1 日）后方为确定 {year} stays provisional until 1 January and 1 October are entered as days off"
        )
