"""``huitong witness``: a process that cosigns a ledger's checkpoints, elsewhere than the hub and run by somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.faults import CliFault
from hub.cli.listening import listen
from hub.cli.options import EXAMPLES, AsJson
from hub.cli.output import harmless, note, say, show_json, show_record, show_rows
from hub.cli.serve import LogLevel
from hub.cli.texts import read_text
from hub.ledger.keys import VerifierKey
from hub.witness.home import WitnessHome
from hub.witness.state import WitnessState
from hub.witness.trust import add_log

group = typer.Typer(help="见证：对日志检查点副署，拒绝分叉 A witness: cosigns a ledger's checkpoints and refuses forks.", no_args_is_help=True)
Home = Annotated[
    Path,
    typer.Option("--home", envvar="HUITONG_WITNESS_HOME", file_okay=False, help="见证的目录，与汇通的目录无关 The witness's directory, no hub's."),
]
_HOME = Path(".huitong-witness")


@group.callback()
def witness() -> None:
    """见证 A witness."""


@group.command("init", epilog=EXAMPLES + "huitong witness init audit.city.example/witness")
def init(
    name: Annotated[str, typer.Argument(help="见证的名称，如不带协议的网址 The witness's name, such as a URL without a scheme.")],
    home: Home = _HOME,
    as_json: AsJson = False,
) -> None:
    """建立见证 Make a witness: its key and its state. May be run again; changes nothing then."""
    key = WitnessHome(home).make(name).verifier_key
    show_record({"name": name, "key": key}, as_json, key)
    if not as_json:
        note(f"→ huitong witness trust LEDGER.KEY --home {home}")
        note(f'→ 平台设置 the hub\'s setting: witnesses = ["{key} https://…"]')


@group.command("trust", epilog=EXAMPLES + "curl https://hub.example/ledger/key > ledger.key\n\nhuitong witness trust ledger.key")
def trust(
    key: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="日志的公钥 The ledger's public key (GET /ledger/key), got by a way that is trusted.")
    ],
    origin: Annotated[str, typer.Option(help="日志名称，默认为公钥的名称 The log's name. Default: that of the key.")] = "",
    home: Home = _HOME,
    as_json: AsJson = False,
) -> None:
    """信任日志 Cosign the log of this key from now on. A running witness follows at once."""
    known = VerifierKey.parse(read_text(key))
    place = WitnessHome(home)
    place.name()
    added = add_log(place.logs, known, origin or known.name)
    show_record(
        {"origin": origin or known.name, "key": str(known), "added": added}, as_json, f"{'已信任 trusted' if added else '已在其中 known already'}: {known}"
    )


@group.command("show", epilog=EXAMPLES + "huitong witness show\n\nhuitong witness show huitong.ledger > checkpoint.txt")
def show(
    origin: Annotated[str | None, typer.Argument(help="日志名称 The log's name: print its last cosigned checkpoint.")] = None,
    home: Home = _HOME,
    as_json: AsJson = False,
) -> None:
    """查看已副署的检查点 Show what was cosigned last, of all logs or of one; auditors verify ledgers against it."""
    held = _state(home).all_cosigned()
    if origin is None:
        show_rows([{"origin": one.origin, "size": one.size, "root": one.root.hex(), "at": one.at} for one in held], as_json, "尚无 nothing was cosigned yet")
        return
    found = next((one for one in held if one.origin == origin), None)
    if found is None:
        raise CliFault(f"未副署过该日志 nothing of this log was cosigned: {origin}", "huitong witness show")
    show_record({"origin": origin, "size": found.size, "checkpoint": found.note}, as_json, found.note.removesuffix("\n"))


@group.command("evidence", epilog=EXAMPLES + "huitong witness evidence\n\nhuitong witness evidence --json > evidence.json")
def evidence(home: Home = _HOME, as_json: AsJson = False) -> None:
    """查看分叉证据 Show evidence of forks: the checkpoint cosigned and the request that contradicts it. Exit code 1 where there is any."""
    found = _state(home).evidence()
    if as_json:
        show_json(
            [{"at": one.at, "origin": one.origin, "reason": one.reason, "size": one.size, "held": one.held, "shown": one.shown.decode()} for one in found]
        )
    elif not found:
        say("无分叉证据 no evidence of forks")
    for one in () if as_json else found:
        say(f"== {one.reason} {one.origin} {one.size}\n-- 已副署 cosigned\n{harmless(one.held)}-- 出示 shown\n{harmless(one.shown.decode())}")
    if found:
        raise typer.Exit(1)


@group.command("serve", epilog=EXAMPLES + "huitong witness serve\n\nhuitong witness serve --home /srv/witness --host 0.0.0.0 --port 8010")
def serve(
    host: Annotated[str, typer.Option(help="监听地址 Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口 Port; 0 takes a free one.")] = 8010,
    home: Home = _HOME,
    log_level: LogLevel = "info",
) -> None:
    """启动见证 Serve the witness until Ctrl-C or SIGTERM."""
    place = WitnessHome(home)
    place.name()
    with listen(host, port) as listener, place.locked():
        # The server's own modules are many; other commands do without them.
        from hub.cli.logs import set_up_logs
        from hub.cli.witness_serving import serve_witness

        made = place.open()
        set_up_logs(log_level)
        url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        serve_witness(made, listener, lambda: note(f"见证已就绪 The witness serves at {url} (Ctrl-C 停止 ends)"))
    note("见证已停止 The witness has ended.")


def _state(home: Path) -> WitnessState:
    place = WitnessHome(home)
    place.name()
    return WitnessState(place.database)
