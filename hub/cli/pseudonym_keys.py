"""``huitong keys pseudonyms``: the versions of the master key from which consumers' pseudonyms are made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import note, show_record, show_rows
from hub.cli.session import acting, opened
from hub.cli.texts import read_text
from hub.pseudonyms.service import VersionState

group = typer.Typer(help="假名主密钥 The master key of pseudonyms.", no_args_is_help=True)
_AFTER = 900
_VERSION = "huitong keys pseudonyms "
Number = Annotated[int, typer.Argument(min=1, help="版本 The version, from huitong keys pseudonyms list.")]


@group.command("list", epilog=EXAMPLES + _VERSION + "list")
def show(as_json: AsJson = False) -> None:
    """列出版本 List the versions, newest first."""
    with opened() as core:
        show_rows([_row(state) for state in core.pseudonyms.states()], as_json, "")


@group.command("rotate", epilog=EXAMPLES + _VERSION + "rotate\n\n" + _VERSION + "rotate --after 0")
def rotate(
    after: Annotated[
        int,
        typer.Option(min=0, max=2_592_000, metavar="SECONDS", help="多少秒后启用 Seconds until it makes pseudonyms; its file has to be on every node by then."),
    ] = _AFTER,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """轮换：生成新版本 Make the next version. Pseudonyms of one version are not those of another."""
    with opened() as core:
        made = core.pseudonyms.rotate(acting(actor), after)
    starts = made.version.starts_at.isoformat(timespec="seconds")
    show_record(_row(made), as_json, f"p{made.version.number}  {made.state}  {starts}")
    if not as_json:
        note("多节点时请立即复制密钥目录 With several nodes copy keys/pseudonyms/ now; where the key is not, pseudonyms are withheld.")


@group.command("retire", epilog=EXAMPLES + _VERSION + "retire 1")
def retire(version: Number, actor: ActorName = None, as_json: AsJson = False) -> None:
    """停用旧版本并删除其密钥 End an old version and delete its key here; say it on every node."""
    with opened() as core:
        state = core.pseudonyms.retire(acting(actor), version)
    show_record(_row(state), as_json, f"已停用 retired: p{version}")


@group.command("overlap", epilog=EXAMPLES + _VERSION + "overlap 1 2 --application housing numbers.txt > overlap.tsv")
def overlap(
    old: Number,
    new: Number,
    values: Annotated[Path, typer.Argument(help="每行一个标识 The identifiers, one a line, from the department whose data they are.")],
    application: Annotated[str, typer.Option(help="应用 The application whose pseudonyms these are.")],
    project: Annotated[str, typer.Option(help="联合项目 The joint project, where the grant names one.")] = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """新旧对照表 Pairs of an application's old and new pseudonyms, without the values, for it to translate what it keeps."""
    lines = read_text(values).splitlines()
    with opened() as core:
        pairs = core.pseudonyms.overlap(acting(actor), application, project, (old, new), lines)
    show_rows([{"old": one, "new": other} for one, other in pairs], as_json, "")


def _row(state: VersionState) -> dict[str, object]:
    version = state.version
    times = {"starts_at": version.starts_at, "retired_at": version.retired_at}
    return {"version": version.number, "state": state.state, "digest": version.digest, **times, "here": state.here}
