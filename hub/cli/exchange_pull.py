"""``huitong exchange pull`` and ``huitong exchange start``: a batch exchange, begun and brought in; see ``hub/cli/pulling``."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from hub.cli.exchange_options import (
    Case,
    Document,
    Encoding,
    Form,
    Format,
    HubKey,
    Idempotency,
    Into,
    Operation,
    Operator,
    Parallel,
    Patience,
    Purpose,
    Text,
    TokenFile,
    Variables,
    Written,
)
from hub.cli.faults import CliFault
from hub.cli.options import AsJson, HubUrl
from hub.cli.output import note, say, show_record
from hub.cli.pulling.files import write_whole
from hub.cli.pulling.listing import MANIFEST, Listing, read_keys
from hub.cli.pulling.pull import Pull
from hub.cli.pulling.remote import Remote, Tokens, hint_of, told_of
from hub.cli.query import read_variables, use_headers
from hub.cli.texts import read_text
from hub.cli.token import ClientId, ClientSecret, DemoApp, KeyFile, Proof, SecretFile, chosen
from hub.settings import load_settings

STATE = ".huitong-exchange.json"
_INTERRUPTED = 128 + signal.SIGINT
_START = """mutation Start($input: StartExchangeInput!) { startExchange(input: $input) { exchange { id state } } }"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to start, if anything is to be started."""

    document: Path | None
    variables: Text
    operation: Text
    format: Form
    encoding: Written | None
    key: Text
    destination: Text = None

    def content(self, key: str) -> dict[str, Any]:
        """The input of ``startExchange``."""
        found: dict[str, Any] = {"document": read_text(self.document) if self.document else "", "format": self.format.value, "idempotencyKey": key}
        found |= {"variables": read_variables(self.variables)} if self.variables else {}
        found |= {"operationName": self.operation} if self.operation else {}
        found |= {"destination": self.destination} if self.destination else {}
        return found | ({"encoding": self.encoding.value} if self.encoding else {})


def pull(
    url: Annotated[str, typer.Argument(metavar="URL", help="汇通的地址 Address of the hub.")],
    exchange: Annotated[Text, typer.Argument(metavar="EXCHANGE", help="批量交换编号 Id of the exchange; or give --document.")] = None,
    document: Document = None,
    variables: Variables = None,
    operation: Operation = None,
    format_: Format = Form.CSV,
    encoding: Encoding = None,
    idempotency_key: Idempotency = None,
    into: Into = None,
    parallel: Parallel = 4,
    patience: Patience = 600.0,
    hub_key: HubKey = None,
    app: DemoApp = None,
    client_id: ClientId = None,
    client_secret: ClientSecret = None,
    secret_file: SecretFile = None,
    key: KeyFile = None,
    token_file: TokenFile = None,
    purpose: Purpose = None,
    operator: Operator = None,
    case: Case = None,
    as_json: AsJson = False,
) -> None:
    """下载批量交换 Bring the files of an exchange in, several at once, and check them against its signed manifest.

    可续传：重新执行同一命令 Run the same command again to go on where it ended. Nothing that is there is overwritten; manifest.json comes last.

    示例 Examples:

    huitong exchange pull http://127.0.0.1:8000 exchange_… --app housing

    HUITONG_CLIENT_ID=app_… huitong exchange pull https://hub.example exchange_… --secret-file secret --hub-key log.key --into persons

    huitong exchange pull https://hub.example --document persons.graphql --format PARQUET --into persons --token-file token
    """
    if (exchange is None) == (document is None) or (exchange is None and into is None):
        raise typer.BadParameter("请给出编号，或 --document 与 --into give the id, or --document and --into", param_hint="EXCHANGE")
    tokens, use = _caller(url, app, client_id, Proof(client_secret, secret_file, key), _given(token_file), (purpose, operator, case))
    asked = Asked(document, variables, operation, format_, encoding, idempotency_key)
    wanted = Pull(into or Path(str(exchange)), parallel, patience, read_keys(hub_key) if hub_key else ())

    async def work() -> Listing:
        async with Remote(url, tokens, use) as remote:
            identity = exchange or await _started(remote, wanted, asked)
            return await wanted.run(remote, identity)

    listing = _run(work())
    (wanted.folder / STATE).unlink(missing_ok=True)
    rows = sum(file.rows for file in listing.files)
    record = {"exchange": listing.exchange, "folder": str(wanted.folder), "files": len(listing.files), "rows": rows, "bytes": listing.bytes}
    told = f"已完成 whole: {wanted.folder}: {len(listing.files)} 个文件 files, {rows} 行 rows, {listing.bytes} 字节 bytes"
    show_record({**record, "proven": listing.proven}, as_json, f"{told}\n核验 verify: huitong-verify exchange {wanted.folder} --key {hub_key or 'log.key'}")
    if hub_key is None and not as_json:
        note(f"日志公钥 log.key: {url.rstrip('/')}/ledger/key")


def start(
    document: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="DOCUMENT", help="查询文档文件 File with the query document.")],
    variables: Variables = None,
    operation: Operation = None,
    format_: Format = Form.CSV,
    encoding: Encoding = None,
    idempotency_key: Idempotency = None,
    destination: Annotated[Text, typer.Option(metavar="CODE", help="交付目标的代码 Code of the destination that the files are delivered to besides.")] = None,
    app: DemoApp = None,
    client_id: ClientId = None,
    client_secret: ClientSecret = None,
    secret_file: SecretFile = None,
    key: KeyFile = None,
    token_file: TokenFile = None,
    purpose: Purpose = None,
    operator: Operator = None,
    case: Case = None,
    url: HubUrl = None,
    as_json: AsJson = False,
) -> None:
    """发起批量交换 Start an exchange of a query document, and print its id. Bring its files in by `huitong exchange pull`.

    示例 Examples:

    huitong exchange start persons.graphql --format PARQUET --app housing
    """
    base = url or load_settings().url
    tokens, use = _caller(base, app, client_id, Proof(client_secret, secret_file, key), _given(token_file), (purpose, operator, case))
    asked = Asked(document, variables, operation, format_, encoding, idempotency_key, destination)

    async def work() -> dict[str, Any]:
        async with Remote(base, tokens, use) as remote:
            return await _start(remote, asked, idempotency_key or secrets.token_hex(16), Pull(Path(), 1, 0.0))

    begun = _run(work())
    show_record(begun, as_json, f"{begun['id']}")
    if not as_json:
        note(f"下一步 next: huitong exchange pull {base} {begun['id']}{f' --app {app}' if app else ''}")


def _given(token_file: Path | None) -> Text:
    """A token that is there already. No option takes one: others may see a command's options."""
    return read_text(token_file).strip() if token_file else os.environ.get("HUITONG_TOKEN")


def _caller(url: str, app: Text, client_id: Text, proof: Proof, given: Text, said: tuple[Text, Text, Text]) -> tuple[Tokens, dict[str, str]]:
    """By whom, and with which headers of use. A token that is given is used where no application is named."""
    purpose, operator, case = said
    if given is not None and not app:
        return Tokens(url, None, given), use_headers(purpose, operator, case)
    credentials = chosen(load_settings(), app, client_id, proof)
    return Tokens(url, credentials, None), use_headers(purpose or credentials.purpose, operator or credentials.operator, case)


def _run(work: Any) -> Any:
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        note("已中断；重新执行同一命令即可续传 interrupted; run the same command again to go on")
        raise typer.Exit(_INTERRUPTED) from None


async def _started(remote: Remote, wanted: Pull, asked: Asked) -> str:
    """The exchange of a document: the folder remembers its key, so that the same command goes on with what it started."""
    state = wanted.folder / STATE
    if asked.key is None and not state.exists() and (wanted.folder / MANIFEST).exists():
        told = f"目录中已有下载完毕的批量交换 the folder holds a whole exchange already: {wanted.folder}"
        raise CliFault(told, "换一个目录以发起新的交换 another folder begins another exchange: --into DIR")
    try:
        wanted.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = orjson.loads(state.read_bytes())["key"] if state.exists() else None
        key = asked.key or held or secrets.token_hex(16)
        if key != held:
            write_whole(state, orjson.dumps({"hub": remote.url, "key": key}))
    except (OSError, ValueError, LookupError, TypeError):
        raise CliFault(f"{state}: 无法读写 cannot be read or written", "--into DIR") from None
    begun = await _start(remote, asked, key, wanted)
    say(f"批量交换 exchange {begun['id']}")
    return str(begun["id"])


async def _start(remote: Remote, asked: Asked, key: str, wanted: Pull) -> dict[str, Any]:
    body = {"query": _START, "variables": {"input": asked.content(key)}}
    headers = {"accept": "application/graphql-response+json", "content-type": "application/json"}

    async def attempt() -> Any:
        async with remote.answer("/graphql", headers, "POST", content=json.dumps(body).encode()) as answer:
            return orjson.loads(await answer.aread())

    answer = await wanted.trying().insist(attempt)
    if answer.get("errors"):
        fault = answer["errors"][0]
        raise CliFault(told_of(fault), hint_of(fault))
    begun: dict[str, Any] = answer["data"]["startExchange"]["exchange"]
    return begun
