"""``huitong token``: an access token from a running hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.client import Credentials, demo_credentials, fetch_token
from hub.cli.options import AsJson, HubUrl
from hub.cli.output import show_record
from hub.settings import Settings, load_settings

DemoApp = Annotated[str | None, typer.Option("--app", metavar="NAME", help="演示应用 A demonstration application, e.g. housing")]
ClientId = Annotated[str | None, typer.Option(envvar="HUITONG_CLIENT_ID", help="客户端编号 Client id.")]
ClientSecret = Annotated[
    str | None, typer.Option(envvar="HUITONG_CLIENT_SECRET", help="客户端密钥 Client secret; prefer the variable, for others may see a command's options.")
]
SecretFile = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="密钥所在文件 File that holds the client secret.")]


def command(
    app: DemoApp = None,
    client_id: ClientId = None,
    client_secret: ClientSecret = None,
    secret_file: SecretFile = None,
    scope: Annotated[str | None, typer.Option(help="权限范围 Scopes, space-separated. Default: all that the application has.")] = None,
    url: HubUrl = None,
    as_json: AsJson = False,
) -> None:
    """获取访问令牌 Ask a running hub for an access token, and print it.

    示例 Examples:

    huitong token --app housing

    HUITONG_CLIENT_ID=app_… HUITONG_CLIENT_SECRET=… huitong token --url https://hub.example
    """
    settings = load_settings()
    body = fetch_token(url or settings.url, chosen(settings, app, client_id, client_secret, secret_file), scope)
    show_record(body, as_json, str(body["access_token"]))


def chosen(settings: Settings, app: str | None, client_id: str | None, client_secret: str | None, secret_file: Path | None) -> Credentials:
    """The credentials that the options name."""
    if app:
        return demo_credentials(settings.home, app)
    if secret_file:
        client_secret = secret_file.read_text(encoding="utf-8").strip()
    if not client_id or not client_secret:
        raise typer.BadParameter("请给出 give --app NAME, or --client-id with HUITONG_CLIENT_SECRET or --secret-file", param_hint="--app / --client-id")
    return Credentials(client_id, client_secret)
