"""``huitong anomaly``: alerts of unusual use, and the throttles that follow."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from hub.anomalies.rulebook import AnomalyRules
from hub.anomalies.service import Anomaly, AnomalyService, Verdict, Wanted
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import Record, show_record, show_rows
from hub.cli.session import acting, opened
from hub.core import Core
from hub.settings import load_settings

group = typer.Typer(help="使用异常预警 Alerts of unusual use.", no_args_is_help=True)
Number = Annotated[str, typer.Argument(metavar="ALERT", help="预警编号 Number of the alert.")]
Opinion = Annotated[str, typer.Option(help="意见，必填 Opinion; it is needed.")]
First = Annotated[int, typer.Option(min=1, max=200, help="至多条数，新者在前 At most so many, newest first.")]


@group.callback()
def anomaly() -> None:
    """使用异常预警 Alerts of unusual use."""


@group.command("list", epilog=EXAMPLES + "huitong anomaly list\n\nhuitong anomaly list --state OPEN --json")
def list_command(
    state: Annotated[str | None, typer.Option(help="OPEN, ACKNOWLEDGED, CONFIRMED or FALSE_ALARM.")] = None,
    application: Annotated[str | None, typer.Option(help="应用名称或 client_id Name or client id of an application.")] = None,
    first: First = 50,
    as_json: AsJson = False,
) -> None:
    """列出预警 List alerts."""
    with opened() as core:
        core.registry.refresh()
        known = core.registry.by_name(application) if application else None
        found = _service(core).find(Wanted(state, known.client_id if known else application), first)
        if as_json:
            show_rows([asdict(each) for each in found], True, "")
        else:
            show_rows([_row(core, each) for each in found], False, "没有预警 no alerts")


@group.command("show", epilog=EXAMPLES + "huitong anomaly show anomaly_01j…")
def show(number: Number, as_json: AsJson = False) -> None:
    """查看一件预警 Show one alert: what was observed, the limit, and between which entries of the ledger it lies."""
    with opened() as core:
        found = asdict(_service(core).get(number))
    show_record(found, as_json, "\n".join(f"{name}: {value}" for name, value in found.items() if value is not None))


@group.command("judge", epilog=EXAMPLES + "huitong anomaly judge anomaly_01j… FALSE_ALARM --opinion 年度批量核验")
def judge(
    number: Number,
    verdict: Annotated[Verdict, typer.Argument(help="已知悉、属实或误报 What becomes of it.")],
    opinion: Opinion,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """处理预警 Judge an alert. A false alarm releases its throttle."""
    with opened() as core:
        done = _service(core).judge(acting(actor), number, verdict, opinion)
    _done(done, as_json)


@group.command("release", epilog=EXAMPLES + "huitong anomaly release anomaly_01j… --opinion 已核实")
def release(number: Number, opinion: Opinion, actor: ActorName = None, as_json: AsJson = False) -> None:
    """提前解除限速 Release an application from an alert's throttle before its time."""
    with opened() as core:
        done = _service(core).release(acting(actor), number, opinion)
    _done(done, as_json)


@group.command("rules", epilog=EXAMPLES + "huitong anomaly rules --json")
def rules_command(as_json: AsJson = False) -> None:
    """列出规则 List the rules in force, all versions."""
    found = AnomalyRules.of_home(load_settings().home)
    rows: list[Record] = [
        {"version": version.name, "id": rule.id, "kind": rule.kind, "severity": rule.severity, "action": rule.action, "text": rule.text, "en": rule.text_en}
        | {"parameters": ", ".join(f"{name} {value}" for name, value in rule.parameters.items())}
        for version in found.versions
        for rule in version.rules
    ]
    show_rows(rows, as_json, "没有规则 no rules")


def _service(core: Core) -> AnomalyService:
    return AnomalyService(core.engine, core.acts)


def _row(core: Core, found: Anomaly) -> Record:
    app = core.registry.application(found.application)
    return {
        "id": found.id,
        "state": found.state,
        "rule": found.rule,
        "severity": found.severity,
        "application": app.name if app else found.application,
        "resource": found.resource,
        "operator": found.operator,
        "hour": found.window,
        "observed": found.observed,
        "expected": found.expected,
        "throttled": found.throttled,
    }


def _done(found: Anomaly, as_json: bool) -> None:
    show_record(asdict(found), as_json, f"{found.id}  {found.rule}  {found.state}{'  限速中 throttled' if found.throttled else ''}")
