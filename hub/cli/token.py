"""``huitong token``: an access token from a running hub."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.assertion import read_private_key
from hub.cli.client import Credentials, demo_credentials, fetch_token
from hub.cli.options import AsJson, HubUrl
from hub.cli.output import show_record
from hub.cli.texts import read_text
from hub.settings import Settings, load_settings

DemoApp = Annotated[str | None, typer.Option("--app", metavar="NAME", help="演示应用 A demonstration application, e.g. housing")]
ClientId = Annotated[str | None, typer.Option(envvar="HUITONG_CLIENT_ID", help="客户端编号 Client id.")]
ClientSecret = Annotated[
    str | None, typer.Option(envvar="HUITONG_CLIENT_SECRET", help="客户端密钥 Client secret; prefer the variable, for others may see a command's options.")
]
SecretFile = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="密钥所在文件 File that holds the client secret.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", exists=True, dir_okay=False, help="私钥文件（PEM 或 JWK）File of the application's private key, where it proves itself by one."),
]
Scope = Annotated[
    str | None, typer.Option(metavar="SCOPES", help="令牌的权限范围 Scopes of the token, space-separated. Default: all that the application has.")
]


def command(
    app: DemoApp = None,
    client_id: ClientId = None,
    client_secret: ClientSecret = None,
    secret_file: SecretFile = None,
    key: KeyFile = None,
    scope: Scope = None,
    url: HubUrl = None,
    as_json: AsJson = False,
) -> None:
    """获取访问令牌 Ask a running hub for an access token, and print it.

    示例 Examples:

    huitong token --app housing

    HUITONG_CLIENT_ID=app_… huitong token --key key.pem --url https://hub.example
    """
    settings = load_settings()
    body = fetch_token(url or settings.url, chosen(settings, app, client_id, Proof(client_secret, secret_file, key)), scope)
    show_record(body, as_json, str(body["access_token"]))


def refuse_scope(scope: str | None) -> None:
    """Scopes are asked for with a token; one that is there already, or none at all, has those that it has."""
    if scope is not None:
        told = "仅可与凭据同用 goes with credentials alone: no token is asked for with HUITONG_TOKEN, --token, --token-file or --public"
        raise typer.BadParameter(told, param_hint="--scope")


@dataclass(frozen=True, slots=True)
class Proof:
    """The options by which a client proves itself."""

    secret: str | None = field(repr=False)
    secret_file: Path | None
    key: Path | None


def chosen(settings: Settings, app: str | None, client_id: str | None, proof: Proof) -> Credentials:
    """The credentials that the options name."""
    if app:
        return demo_credentials(settings.home, app)
    if client_id and proof.key:
        return Credentials(client_id, key=read_private_key(proof.key))
    secret = read_text(proof.secret_file).strip() if proof.secret_file else proof.secret
    if not client_id or not secret:
        ways = "--client-id with --key, HUITONG_CLIENT_SECRET or --secret-file"
        raise typer.BadParameter(f"请给出 give --app NAME, or {ways}", param_hint="--app / --client-id")
    return Credentials(client_id, secret)
