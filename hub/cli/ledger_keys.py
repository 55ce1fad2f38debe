"""``huitong keys ledger``: the key that signs the ledger, its replacement, and what to do when it is lost."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.acts import Actor, make_id
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import note, show_record, show_rows
from hub.cli.session import acting
from hub.core import opened_log
from hub.ledger.history import LedgerKey, read_history
from hub.ledger.rotation import By, endorse, rotate
from hub.settings import load_settings

group = typer.Typer(help="日志签名密钥 The key that signs the ledger.", no_args_is_help=True)
_LEDGER = "huitong keys ledger "


@group.command("list", epilog=EXAMPLES + _LEDGER + "list")
def show(as_json: AsJson = False) -> None:
    """列出日志的全部公钥 List the ledger's keys, oldest first; the last one signs."""
    with opened_log(load_settings()) as (engine, ring):
        with engine.connect() as connection:
            line = read_history(connection)
        here = ring.held()
    show_rows([{**_row(key), "here": key.verifier.key_id in here} for key in line], as_json, "")


@group.command("rotate", epilog=EXAMPLES + _LEDGER + "rotate\n\n" + _LEDGER + "rotate --lost")
def rotate_command(
    lost: Annotated[
        bool, typer.Option("--lost", help="旧密钥遗失或泄露，不由其签名 The old key is lost, or may be known to others: it does not sign the change.")
    ] = False,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """更换签名密钥 Make the next key, which signs from the next batch on. Running hubs follow; other nodes write nothing until they have its file."""
    with opened_log(load_settings()) as (engine, ring):
        made = rotate(engine, ring, _by(acting(actor)), lost=lost)
        name = ring.held()[made.verifier.key_id].name
    show_record(_row(made), as_json, str(made.verifier))
    if as_json:
        return
    note(f"请立即将 keys/{name} 复制到其他节点并备份 Copy keys/{name} to every other node now, and into the backup of the keys.")
    if lost:
        note(
            "旧公钥不能证明新公钥：请以可信方式将上面的公钥交给各验证方和见证方，并由另一位管理员执行 The old key does not vouch for this one: give the key above to verifiers "
            f"and witnesses by a way they trust, and let another administrator run: huitong keys ledger endorse {made.verifier.key_id}"
        )


@group.command("endorse", epilog=EXAMPLES + _LEDGER + "endorse 09ab41f2 --actor audit-officer")
def endorse_command(
    key: Annotated[str, typer.Argument(help="密钥编号 The key's id, from huitong keys ledger list.")], actor: ActorName = None, as_json: AsJson = False
) -> None:
    """确认替换遗失密钥的新密钥 Confirm a key that replaced a lost one, as another administrator than the one who made it."""
    with opened_log(load_settings()) as (engine, ring):
        done = endorse(engine, ring, _by(acting(actor)), key)
    show_record(_row(done), as_json, f"已确认 endorsed: {done.verifier.key_id}")


def _by(actor: Actor) -> By:
    return By(actor.name, actor.operator or actor.name, make_id("key"))


def _row(key: LedgerKey) -> dict[str, object]:
    return {"id": key.verifier.key_id, "reason": key.reason, "from": key.first, "announced": key.announced, "endorsed": key.endorsed, "key": str(key.verifier)}
