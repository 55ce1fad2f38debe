"""``huitong explain``: what an application may do with a resource and why, and what a document of it would do, from the control database alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.faults import CliFault
from hub.cli.options import AsJson
from hub.cli.output import show_json
from hub.cli.session import opened
from hub.cli.texts import read_text
from hub.core import Core
from hub.sharing.explain import Explainer
from hub.store.base import CHINA, now


@dataclass(frozen=True, slots=True)
class _Document:
    text: str
    variables: dict[str, Any]
    operation: str | None
    purpose: str | None


def command(
    app: Annotated[str, typer.Option(metavar="NAME", help="应用代码；public 为社会公众 The application's code; public: the public.")],
    resource: Annotated[str | None, typer.Option(metavar="CODE", help="资源代码 Code of a resource, e.g. civil_affairs.person")] = None,
    document: Annotated[
        Path | None, typer.Option("--document", "-d", exists=True, dir_okay=False, help="试运行该查询文档 Run the GraphQL document in this file dry.")
    ] = None,
    variables: Annotated[str | None, typer.Option("--variables", "-v", metavar="JSON", help="文档的变量 Variables of the document.")] = None,
    operation: Annotated[str | None, typer.Option(help="操作名 Which operation of the document.")] = None,
    purpose: Annotated[str | None, typer.Option(help="用途代码；默认为合适的任一用途 Purpose of the run; default: any that fits.")] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="MOMENT", help="何时（默认现在；未写时区按北京时间） At which moment, of China's time if it names no offset; default: now."
        ),
    ] = None,
    scope: Annotated[list[str] | None, typer.Option(metavar="SCOPE", help="令牌仅含这些权限范围 As with a token of these scopes alone. Repeatable.")] = None,
    as_json: AsJson = False,
) -> None:
    """说明应用的权限及其依据 Explain what an application may do with a resource, or what a document would do. No source is asked.

    示例 Examples:

    huitong explain --app housing --resource civil_affairs.person

    huitong explain --app public --resource market_regulation.company --json

    huitong explain --app housing --document person.graphql -v '{"id": "…"}'
    """
    if (resource is None) == (document is None):
        raise typer.BadParameter("请给出 --resource 或 --document 之一 give one of --resource and --document")
    moment = _moment(at) if at else now()
    with opened() as core:
        if resource is not None:
            _resource(core, app, resource, moment, scope, as_json)
        elif document is not None:
            asked = _Document(read_text(document), _variables(variables), operation, purpose)
            _document(core, app, asked, moment, scope, as_json)


def _resource(core: Core, app: str, resource: str, moment: datetime, scopes: list[str] | None, as_json: bool) -> None:
    # GraphQL's types are many; other commands do without them.
    from hub.cli.explaining import as_plain, show_explanation
    from hub.sharing.explain_types import explanation_of

    explainer = Explainer(core.engine, core.registry, core.book)
    made = explanation_of(explainer.explain(core.catalog.current(), explainer.application(app), resource, moment, scopes))
    if as_json:
        show_json(as_plain(made))
    else:
        show_explanation(made)


def _document(core: Core, app: str, asked: _Document, moment: datetime, scopes: list[str] | None, as_json: bool) -> None:
    from hub.cli.explaining import as_plain, show_dry_run
    from hub.sharing.explain_offline import run_offline

    made = run_offline(core, app, asked.text, asked.variables, asked.operation, asked.purpose, moment, scopes)
    if as_json:
        show_json(as_plain(made))
    else:
        show_dry_run(made)
    if not made.would_run:
        raise typer.Exit(1)


def _variables(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text) if text else {}
    except ValueError as fault:
        raise CliFault(f"--variables 不是 JSON is not JSON: {fault}", '{"id": "…"}') from None
    if not isinstance(value, dict):
        raise CliFault("--variables 应为对象 must be an object", '{"id": "…"}')
    return value


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CliFault(f"--at: 时间格式不正确 not a moment: {text}", "2027-01-01T00:00:00+08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)
