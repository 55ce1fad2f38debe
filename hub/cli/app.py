"""Puts the commands together, and turns expected faults into words and exit codes."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from hub.cli import (
    anomaly,
    application,
    calendar,
    catalog,
    demo,
    department,
    disposal,
    doctor,
    exchange,
    explain,
    feedback,
    grant,
    init,
    keys,
    ledger,
    mask,
    person,
    query,
    request,
    rules,
    serve,
    source,
    token,
    trace,
    usage,
    usage_report,
    witness,
)
from hub.cli.faults import EXPECTED, tell
from hub.cli.output import say
from hub.observation import set_up_logging

app = typer.Typer(
    name="huitong",
    help="汇通：政务数据共享交换枢纽 Huitong, a government data-exchange hub.\n\n"
    "退出码 Exit codes: 0 完成 done, 1 拒绝或失败 refused or failed, 2 用法 usage, 3 不可达 not reachable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        try:
            say(f"huitong {version('huitong')}")
        except PackageNotFoundError:
            say("huitong (not installed)")
        raise typer.Exit


@app.callback()
def options(
    home: Annotated[Path | None, typer.Option(envvar="HUITONG_HOME", help="汇通的目录 The hub's directory. Default: .huitong")] = None,
    show_version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="版本 Print the version.")] = False,
) -> None:
    """Options before the command."""
    # What commands print is for programs too: a warning of the hub's has no place in it.
    set_up_logging(level=logging.WARNING)
    if home is not None:
        os.environ["HUITONG_HOME"] = str(home)


for _module in (init, serve, demo, doctor, token, query, explain):
    app.command(_module.__name__.rpartition(".")[2])(_module.command)
usage.group.command("report", epilog=usage_report.EPILOG)(usage_report.command)
for _name, _group in (
    ("department", department.group),
    ("app", application.group),
    ("person", person.group),
    ("source", source.group),
    ("catalog", catalog.group),
    ("mask", mask.group),
    ("request", request.group),
    ("grant", grant.group),
    ("disposal", disposal.group),
    ("exchange", exchange.group),
    ("feedback", feedback.group),
    ("rules", rules.group),
    ("calendar", calendar.group),
    ("keys", keys.group),
    ("ledger", ledger.group),
    ("trace", trace.group),
    ("usage", usage.group),
    ("anomaly", anomaly.group),
    ("witness", witness.group),
):
    app.add_typer(_group, name=_name)


_command = cache(lambda: get_command(app))
"""Made once in a process: of a hundred commands it takes as long as most of them run."""


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; returns its exit code."""
    try:
        _command()(list(arguments), prog_name="huitong")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except EXPECTED as fault:
        return tell(fault)
    return 0
