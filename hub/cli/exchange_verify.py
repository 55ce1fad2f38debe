"""``huitong exchange verify``: a file or a table of subjects and claims in, the file of outcomes out; see ``hub/cli/verifying``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.exchange_options import (
    Case,
    Encoding,
    Form,
    Format,
    GivenCharset,
    HubKey,
    Idempotency,
    Operation,
    Operator,
    Parallel,
    Patience,
    Purpose,
    Text,
    TokenFile,
)
from hub.cli.options import AsJson, HubUrl
from hub.cli.pulling.beginning import Memory
from hub.cli.pulling.calls import Caller, run, show_whole
from hub.cli.pulling.listing import Listing, read_keys
from hub.cli.pulling.pull import Pull
from hub.cli.token import ClientId, ClientSecret, DemoApp, KeyFile, Proof, Scope, SecretFile
from hub.cli.verifying.address import PASSWORD
from hub.cli.verifying.counting import counted
from hub.cli.verifying.document import read_document
from hub.cli.verifying.table import table_of
from hub.cli.verifying.verification import Verification
from hub.settings import load_settings

_TABLE = (
    "文件（.csv .jsonl .ndjson .parquet .arrow）或数据库地址 A file, or a database's address: sqlite:///PATH, postgresql://USER@HOST/DB, mariadb://…, mysql://…"
)


def verify(
    table: Annotated[str, typer.Argument(metavar="TABLE", help=_TABLE)],
    document: Annotated[Path, typer.Option("--document", "-f", exists=True, dir_okay=False, help="核验文档文件 File with the verification document.")],
    into: Annotated[Path, typer.Option("--into", file_okay=False, metavar="DIR", help="目录 Folder for the outcomes.")],
    name: Annotated[Text, typer.Option("--table", metavar="[SCHEMA.]NAME", help="数据库的表或视图 The database's table or view.")] = None,
    table_secret_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help=f"数据库口令所在文件 File with the database's password; or set the variable {PASSWORD}."),
    ] = None,
    charset: GivenCharset = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="写入结果的列，可重复 A column that is copied to the outcomes; may be repeated.")
    ] = None,
    operation: Operation = None,
    format_: Format = Form.CSV,
    encoding: Encoding = None,
    destination: Annotated[
        Text, typer.Option(metavar="CODE", help="交付目标的代码 Code of the destination that the outcomes are delivered to besides.")
    ] = None,
    idempotency_key: Idempotency = None,
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
    url: HubUrl = None,
    as_json: AsJson = False,
) -> None:
    """批量核验 Verify each row of a file or a database's table, and bring the outcomes in, checked against their signed manifest.

    可续传：重新执行同一命令 Run the same command again to go on where it ended; nothing is verified twice. The hub never learns the database's address.

    示例 Examples:

    huitong exchange verify applicants.csv -f persons.graphql --keep case --into outcomes --app housing

    HUITONG_TABLE_PASSWORD=… huitong exchange verify postgresql://reader@db.local/rent --table applicants -f persons.graphql --into outcomes --app housing
    """
    base = url or load_settings().url
    rows = table_of(table, name, charset, table_secret_file)
    more = {"format": format_.value} | ({"encoding": encoding.value} if encoding else {})
    more |= {option: value for option, value in (("operationName", operation), ("destination", destination)) if value}
    verification = Verification(read_document(document, operation), rows, keep or (), more, idempotency_key)
    remote = Caller(app, client_id, Proof(client_secret, secret_file, key), token_file, (purpose, operator, case), scope).remote(base)
    wanted = Pull(into, parallel, patience, read_keys(hub_key) if hub_key else ())

    async def work() -> Listing:
        async with remote:
            return await wanted.run(remote, await verification.started(remote, wanted))

    listing = run(work())
    Memory(into).forget()
    found = counted(into, listing)
    show_whole(listing, into, base, hub_key, as_json, {"outcomes": found.outcomes, "refused": found.refused}, found.line)
