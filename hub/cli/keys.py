"""``huitong keys``: the keys that sign access tokens, and below them those of pseudonyms and of the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.ledger_keys import group as ledger
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import note, show_record, show_rows
from hub.cli.pseudonym_keys import group as pseudonyms
from hub.cli.session import acting, opened
from hub.core import TOKEN_KEYS, Core
from hub.identity.keys import KeyState, SigningKeyService

group = typer.Typer(
    help="令牌签名密钥、假名主密钥与日志签名密钥 Keys that sign access tokens, the master key of pseudonyms, and the keys that sign the ledger.",
    no_args_is_help=True,
)
group.add_typer(pseudonyms, name="pseudonyms")
group.add_typer(ledger, name="ledger")
_AFTER = 900
"""Three times as long as others may keep the published keys."""


@group.command("list", epilog=EXAMPLES + "huitong keys list")
def show(as_json: AsJson = False) -> None:
    """列出签名密钥 List the signing keys, newest first."""
    with opened() as core:
        show_rows([_row(state) for state in _service(core).list()], as_json, "")


@group.command("rotate", epilog=EXAMPLES + "huitong keys rotate\n\nhuitong keys rotate --after 0")
def rotate(
    after: Annotated[
        int, typer.Option(min=0, max=86_400, metavar="SECONDS", help="公布后多少秒启用 Seconds from publication to first use; 0 where a key is compromised.")
    ] = _AFTER,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """轮换：新密钥立即公布，稍后启用 Make a signing key that is published at once and signs later. Running hubs follow within a second."""
    with opened() as core:
        made = _service(core).rotate(acting(actor), after)
    show_record(_row(made), as_json, f"{made.kid}\n{made.state}  {made.signs_from.isoformat(timespec='seconds')}")
    if not as_json:
        note("旧密钥继续验证其签发的令牌 Earlier keys go on verifying. 多节点时请立即复制密钥目录 With several nodes copy the key directory now.")


@group.command("retire", epilog=EXAMPLES + "huitong keys retire KID")
def retire(
    kid: Annotated[str, typer.Argument(help="密钥编号 The key's id, from huitong keys list.")],
    now: Annotated[bool, typer.Option("--now", help="立即停用，其签发的令牌随之失效 At once: tokens that it signed end with it.")] = False,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """停用密钥 Take a key out of use once no token that it signed can live any more."""
    with opened() as core:
        state = _service(core).retire(acting(actor), kid, now)
    show_record({"kid": state.kid, "state": "RETIRED"}, as_json, f"已停用 retired: {state.kid}")
    if now and not as_json:
        note("该密钥签发的令牌已全部失效，请调用方重新取得 Tokens that it signed have ended: callers get new ones.")


def _service(core: Core) -> SigningKeyService:
    return SigningKeyService(core.settings.keys / TOKEN_KEYS, core.acts)


def _row(state: KeyState) -> dict[str, object]:
    times = {"signs_from": state.signs_from, "retire_from": state.retire_from}
    return {"kid": state.kid, "state": state.state, **times, "file": state.file.name}
