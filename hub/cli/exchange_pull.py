"""``huitong exchange pull`` and ``huitong exchange start``: a batch exchange, begun and brought in; see ``hub/cli/pulling``."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

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
from hub.cli.options import AsJson, HubUrl
from hub.cli.output import note, show_record
from hub.cli.pulling.beginning import Memory, begin
from hub.cli.pulling.calls import Caller, run, show_whole
from hub.cli.pulling.listing import Listing, read_keys
from hub.cli.pulling.pull import Pull, held
from hub.cli.pulling.remote import Remote
from hub.cli.query import read_variables
from hub.cli.texts import read_text
from hub.cli.token import ClientId, ClientSecret, DemoApp, KeyFile, Proof, Scope, SecretFile
from hub.settings import load_settings

_MUTATION = "startExchange"


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
    scope: Scope = None,
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
    remote = Caller(app, client_id, Proof(client_secret, secret_file, key), token_file, (purpose, operator, case), scope).remote(url)
    asked = Asked(document, variables, operation, format_, encoding, idempotency_key)
    wanted = Pull(into or Path(str(exchange)), parallel, patience, read_keys(hub_key) if hub_key else ())
    memory = Memory(wanted.folder)

    async def work() -> Listing:
        async with remote:
            identity = exchange or await _started(remote, wanted, memory, asked)
            return await wanted.run(remote, identity)

    listing = run(work())
    memory.forget()
    show_whole(listing, wanted.folder, url, hub_key, as_json)


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
    scope: Scope = None,
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
    remote = Caller(app, client_id, Proof(client_secret, secret_file, key), token_file, (purpose, operator, case), scope).remote(base)
    asked = Asked(document, variables, operation, format_, encoding, idempotency_key, destination)

    async def work() -> dict[str, Any]:
        async with remote:
            return await begin(remote, Pull(Path(), 1, 0.0).trying(), _MUTATION, asked.content(idempotency_key or secrets.token_hex(16)))

    begun = run(work())
    show_record(begun, as_json, f"{begun['id']}")
    if not as_json:
        note(f"下一步 next: huitong exchange pull {base} {begun['id']}{f' --app {app}' if app else ''}")


async def _started(remote: Remote, wanted: Pull, memory: Memory, asked: Asked) -> str:
    """The exchange of a document: the folder remembers its key."""
    if asked.key is None:
        memory.check_room()
    # Two commands for one folder would each begin an exchange of its own.
    with held(wanted.folder):
        begun = await begin(remote, wanted.trying(), _MUTATION, asked.content(memory.of(remote.url, asked.key)["key"]))
    note(f"批量交换 exchange {begun['id']}")
    return str(begun["id"])
