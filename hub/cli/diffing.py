"""``huitong catalog diff``: who newly sees what between versions of the catalog, with an import that waits, or between two moments."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from hub.catalog.disclosure_report import Asked, Report, disclosure
from hub.catalog.disclosure_words import sentences
from hub.cli.options import AsJson
from hub.cli.output import say, show_json
from hub.cli.session import opened
from hub.cli.terms import read_moment
from hub.core import Core
from hub.store.engine import reading


def command(
    first: Annotated[int | None, typer.Option("--from", metavar="N", min=0, help="起始版本，默认为其前一版本 Version; default: the one before.")] = None,
    last: Annotated[int | None, typer.Option("--to", metavar="M", min=0, help="终止版本，默认为现行版本 Version; default: the one in force.")] = None,
    pending: Annotated[bool, typer.Option("--pending", help="与最新待审核或待发布的导入比较 With the newest import that waits.")] = False,
    manifest: Annotated[int | None, typer.Option("--import", metavar="N", help="与此导入比较 With this import.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="MOMENT", help="起始时间的目录与授权 Catalog and grants of this moment.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="MOMENT", help="终止时间，默认为现在 Until; default: now.")] = None,
    as_json: AsJson = False,
) -> None:
    """披露差异 Tell who sees what otherwise: the public, every department, each application that holds a grant. No source is asked."""
    with opened() as core:
        show_diff(diff(core, Asked(first, last, pending, manifest, _moment("--since", since), _moment("--until", until))), as_json)


def diff(core: Core, asked: Asked) -> Report:
    """The disclosure diff of an opened hub."""
    with reading(core.engine) as connection:
        return disclosure(connection, asked)


def show_diff(report: Report, as_json: bool = False) -> None:
    """Prints a diff: sentences for people; ``+`` where somebody sees more, or may."""
    if as_json:
        # GraphQL's types are many; other commands do without them.
        from hub.catalog.disclosure_types import diff_of
        from hub.cli.explaining import as_plain

        show_json(as_plain(diff_of(report)))
        return
    say(f"披露差异 disclosure diff {report.first} → {report.last}")
    for change in report.changes:
        for zh, en in sentences(change):
            say(f"{'+' if change.wider else '-'} {zh}\n    {en}")
    if not report.changes:
        say("没有披露变化 nobody sees anything otherwise")
    else:
        total, wider = len(report.changes), report.wider
        say(f"使用方与资源的组合 viewers and resources: {total} 组有变化 changed, {wider} 组扩大或可能扩大 show more, or may; SHA-256 {report.digest}")


def _moment(option: str, text: str | None) -> datetime | None:
    return read_moment(option, text) if text else None
