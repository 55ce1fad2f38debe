"""``huitong app``: departments' applications, which are the hub's OAuth clients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from auth.client_keys import key_ids
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import note, show_record, show_rows
from hub.cli.session import acting, opened
from hub.people.authorize_clients import AuthorizedClients
from hub.sharing.clients import ClientService, Proving

group = typer.Typer(help="业务应用系统 Applications.", no_args_is_help=True)
_JWKS = "公钥文件（JWKS 或 PEM），以密钥认证 File of public keys, a JWK Set or PEM: the application proves itself by private_key_jwt."
JwksFile = Annotated[Path | None, typer.Option("--jwks", exists=True, dir_okay=False, help=_JWKS)]
_ONCE = "密钥仅显示一次，请立即妥善保存 The secret is shown this once: keep it now."


@group.command(
    "add",
    epilog=EXAMPLES + "huitong app add housing --department housing --purpose 'housing-eligibility|公租房资格审核|公共租赁住房管理办法'\n\n"
    "huitong app add auditor --department city_data --role governance:audit --purpose 'audit|平台审计|政务数据共享条例'",
)
def add(
    name: Annotated[str, typer.Argument(help="代码 Code: a-z, 0-9, _")],
    department: Annotated[str, typer.Option(help="所属部门代码 Code of its department.")],
    purpose: Annotated[list[str], typer.Option(metavar="'CODE|SCENARIO|BASIS'", help="用途：代码、应用场景、依据 Purpose, scenario, legal basis. Repeatable.")],
    role: Annotated[list[str] | None, typer.Option(metavar="SCOPE", help="管理角色 Governance role, e.g. governance:audit. Repeatable.")] = None,
    jwks: JwksFile = None,
    dpop: Annotated[bool, typer.Option("--dpop", help="令牌须绑定密钥 Its tokens are bound to a key of its own (RFC 9449), without exception.")] = False,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """登记应用 Register an application. With --jwks it proves itself by its key; else its secret is printed once and stored only as a hash."""
    proving = Proving(jwks=_read(jwks) if jwks else None, dpop_bound=dpop)
    with opened() as core:
        made = core.sharing.create_application(acting(actor), name, department, [read_purpose(text) for text in purpose], role or [], proving=proving)
    record = {"name": made.name, "client_id": made.client_id} | ({"client_secret": made.client_secret} if made.client_secret else {})
    show_record(record, as_json, "\n".join(f"{key:<14} {value}" for key, value in record.items() if key != "name"))
    if not as_json and made.client_secret:
        note(_ONCE)


@group.command("keys", epilog=EXAMPLES + "huitong app keys housing --jwks housing.pub.pem")
def keys(
    name: Annotated[str, typer.Argument(help="应用代码 The application's code.")],
    jwks: Annotated[Path, typer.Option("--jwks", exists=True, dir_okay=False, help=_JWKS)],
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """更换公钥 Replace the public keys by which an application proves itself; to rotate, give the old and the new one first, then the new one alone. Where one is left out, tokens from before stop at once."""
    with opened() as core:
        done = ClientService(core.acts).replace_keys(acting(actor), name, _read(jwks))
    record = {"name": done.name, "client_id": done.client_id, "auth_method": done.method, "keys": list(done.keys)}
    show_record(record, as_json, "\n".join([f"{done.name}  {done.client_id}", *done.keys]))


@group.command("secret", epilog=EXAMPLES + "huitong app secret housing")
def secret(name: Annotated[str, typer.Argument(help="应用代码 The application's code.")], actor: ActorName = None, as_json: AsJson = False) -> None:
    """更换密码 Give an application a new secret; the earlier one, and its tokens, stop at once."""
    with opened() as core:
        done = ClientService(core.acts).renew_secret(acting(actor), name)
    record = {"name": done.name, "client_id": done.client_id, "client_secret": done.secret}
    show_record(record, as_json, f"client_id      {done.client_id}\nclient_secret  {done.secret}")
    if not as_json:
        note(_ONCE)


@group.command("redirect", epilog=EXAMPLES + "huitong app redirect portal https://portal.example/callback")
def redirect(
    name: Annotated[str, typer.Argument(help="应用代码 The application's code.")],
    uri: Annotated[list[str] | None, typer.Argument(metavar="URI…", help="回调地址；不填则清空 Redirect URIs; with none, nobody can authorize it.")] = None,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """登记回调地址 Replace the addresses to which authorization codes of an application are sent (RFC 6749); they are compared character by character."""
    with opened() as core:
        AuthorizedClients(core.acts).set_redirect_uris(acting(actor), name, uri or [])
    show_record({"name": name, "redirect_uris": uri or []}, as_json, "\n".join([name, *(uri or [])]))


@group.command("owner", epilog=EXAMPLES + "huitong app owner housing zhang.wei --actor du")
def owner(
    name: Annotated[str, typer.Argument(help="应用代码 The application's code.")],
    person: Annotated[str | None, typer.Argument(help="负责人登录名；不填则撤销 The owner's login name; left out: nobody.")] = None,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """指定负责人 Name the person who answers for an application and, with the role governance:owner, may act for it."""
    with opened() as core:
        AuthorizedClients(core.acts).set_owner(acting(actor), name, person)
    show_record({"name": name, "owner": person}, as_json, f"{name}  {person or ''}".rstrip())


@group.command("list", epilog=EXAMPLES + "huitong app list")
def show(as_json: AsJson = False) -> None:
    """列出应用 List the applications."""
    with opened() as core:
        rows = [_row(one, as_json) for one in core.sharing.applications()]
    show_rows(rows, as_json, "尚无应用 no applications yet: huitong app add")


@group.command("disable", epilog=EXAMPLES + "huitong app disable housing")
def disable(name: Annotated[str, typer.Argument(help="应用代码 The application's code.")], actor: ActorName = None, as_json: AsJson = False) -> None:
    """停用应用 Disable an application: its tokens stop working at once."""
    with opened() as core:
        core.sharing.disable_application(acting(actor), name)
    show_record({"name": name, "active": False}, as_json, f"已停用 disabled: {name}")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def read_purpose(text: str) -> dict[str, str]:
    """``CODE|SCENARIO|BASIS``."""
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 3:
        raise typer.BadParameter(f"应为 expected 'CODE|SCENARIO|BASIS': {text}", param_hint="--purpose")
    return dict(zip(("code", "scenario", "basis"), parts, strict=True))


def _row(stored: Any, as_json: bool) -> dict[str, object]:
    purposes = json.loads(stored["purposes"])
    return {
        "name": stored["name"],
        "department": stored["department"],
        "client_id": stored["client_id"],
        "active": stored["active"],
        "auth_method": stored["auth_method"],
        **({"keys": key_ids(stored["jwks"]), "dpop_bound": stored["dpop_bound"]} if as_json else {}),
        "roles": stored["roles"],
        "purposes": purposes if as_json else [purpose["code"] for purpose in purposes],
        "created_at": stored["created_at"],
    }
