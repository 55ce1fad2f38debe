"""``huitong query``: a GraphQL document against a running hub."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from hub.cli.client import fetch_token, read_answer, send
from hub.cli.faults import CliFault
from hub.cli.options import AsJson, HubUrl
from hub.cli.output import show_json
from hub.cli.texts import read_text
from hub.cli.token import ClientId, ClientSecret, DemoApp, KeyFile, Proof, Scope, SecretFile, chosen, refuse_scope
from hub.settings import load_settings

_LONGEST_NAME = 255
"""Bytes; the kernel does not look for longer ones."""


def command(
    document: Annotated[str | None, typer.Argument(help="查询文档；- 或省略为标准输入 The document; - or nothing reads standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", exists=True, dir_okay=False, help="从文件读取文档 Read the document from a file.")] = None,
    variables: Annotated[str | None, typer.Option("--variables", "-v", metavar="JSON", help="变量 Variables as a JSON object.")] = None,
    operation: Annotated[str | None, typer.Option(help="操作名 Which operation of the document.")] = None,
    app: DemoApp = None,
    client_id: ClientId = None,
    client_secret: ClientSecret = None,
    secret_file: SecretFile = None,
    key: KeyFile = None,
    scope: Scope = None,
    access_token: Annotated[str | None, typer.Option("--token", envvar="HUITONG_TOKEN", help="已有的令牌 A token that you have.")] = None,
    purpose: Annotated[str | None, typer.Option(help="用途代码 Purpose; for a demonstration application its first.")] = None,
    operator: Annotated[str | None, typer.Option(help="使用人员 On whose behalf; for a demonstration application its own.")] = None,
    case: Annotated[str | None, typer.Option(help="事项编号 The case's number.")] = None,
    governance: Annotated[bool, typer.Option("--governance", help="管理接口 Ask /governance/graphql.")] = False,
    public: Annotated[bool, typer.Option("--public", help="不带令牌：只见开放数据 Without a token: open data alone.")] = False,
    url: HubUrl = None,
    as_json: AsJson = False,
) -> None:
    """运行查询 Run a document against a running hub and print the answer as JSON. Exit code 1 where it holds errors.

    示例 Examples:

    huitong query --public '{ marketRegulation { companies(first: 3) { nodes { uscc name } } } }'

    huitong query --app housing -f person.graphql -v '{"id": "…"}'
    """
    settings = load_settings()
    base = url or settings.url
    text = _document(document, file)
    body = {"query": text} | ({"variables": read_variables(variables)} if variables else {}) | ({"operationName": operation} if operation else {})
    headers = {"Accept": "application/graphql-response+json"}
    given = access_token is not None and not app
    if public or given:
        refuse_scope(scope)
    if not public:
        if not given:
            credentials = chosen(settings, app, client_id, Proof(client_secret, secret_file, key))
            purpose, operator = purpose or credentials.purpose, operator or credentials.operator
            access_token = str(fetch_token(base, credentials, scope)["access_token"])
        headers["Authorization"] = f"Bearer {access_token}"
    headers |= use_headers(purpose, operator, case)
    answer = read_answer(send(base, "/governance/graphql" if governance else "/graphql", json=body, headers=headers))
    if as_json:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    else:
        show_json(answer)
    if answer.get("errors"):
        raise typer.Exit(1)


def use_headers(purpose: str | None, operator: str | None, case: str | None) -> dict[str, str]:
    """The headers that say for what, and on whose behalf, a call is made."""
    given = {"Huitong-Purpose": purpose, "Huitong-Operator": operator, "Huitong-Case": case}
    return {name: quote(value, safe="") for name, value in given.items() if value}


def _document(document: str | None, file: Path | None) -> str:
    if file is not None:
        return read_text(file)
    if document is None or document == "-":
        return sys.stdin.read()
    if "{" not in document and len(document.encode()) <= _LONGEST_NAME and (document.endswith((".graphql", ".gql")) or Path(document).is_file()):
        raise CliFault(f"这是文件名，不是查询文档 is the name of a file, no document: {document}", f"huitong query -f {document}")
    return document


def read_variables(text: str) -> Any:
    """The variables of a document.

    Raises:
        CliFault: the text is no JSON object.
    """
    try:
        value = json.loads(text)
    except ValueError as fault:
        raise CliFault(f"--variables 不是 JSON is not JSON: {fault}", '{"id": "…"}') from None
    if not isinstance(value, dict):
        raise CliFault("--variables 应为对象 must be an object", '{"id": "…"}')
    return value
