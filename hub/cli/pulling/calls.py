"""What the commands that begin and bring in exchanges have in common: who calls, how the work is run, and what is told in the end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import typer

from hub.cli.output import note, show_record
from hub.cli.pulling.listing import Listing
from hub.cli.pulling.remote import Remote, Tokens
from hub.cli.query import use_headers
from hub.cli.texts import read_text
from hub.cli.token import Proof, chosen, refuse_scope
from hub.settings import load_settings

_INTERRUPTED = 128 + signal.SIGINT
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Caller:
    """The options that say by whom, for what and on whose behalf a hub is called."""

    app: str | None
    client_id: str | None
    proof: Proof
    token_file: Path | None
    use: tuple[str | None, str | None, str | None]
    """Purpose, operator and case."""
    scope: str | None = None
    """Of the tokens that the credentials get; all that there are where it is ``None``."""

    def remote(self, url: str) -> Remote:
        """The hub as this caller sees it. A token that is given is used where no application is named.

        Raises:
            CliFault: the credentials cannot be read.
        """
        purpose, operator, case = self.use
        given = self._given()
        if given is not None and not self.app:
            refuse_scope(self.scope)
            return Remote(url, Tokens(url, None, given), use_headers(purpose, operator, case))
        credentials = chosen(load_settings(), self.app, self.client_id, self.proof)
        use = use_headers(purpose or credentials.purpose, operator or credentials.operator, case)
        return Remote(url, Tokens(url, credentials, None, self.scope), use)

    def _given(self) -> str | None:
        """A token that is there already. No option takes one: others may see a command's options."""
        return read_text(self.token_file).strip() if self.token_file else os.environ.get("HUITONG_TOKEN")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's work, which whoever interrupts it may go on with later."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        note("已中断；重新执行同一命令即可续传 interrupted; run the same command again to go on")
        raise typer.Exit(_INTERRUPTED) from None


def show_whole(listing: Listing, folder: Path, url: str, hub_key: Path | None, as_json: bool, more: Mapping[str, object] | None = None, line: str = "") -> None:
    """Tells what is in the folder now, and how it is verified; ``more`` belongs to the record, ``line`` to the text."""
    rows = sum(file.rows for file in listing.files)
    record = {"exchange": listing.exchange, "folder": str(folder), "files": len(listing.files), "rows": rows, "bytes": listing.bytes}
    told = [f"已完成 whole: {folder}: {len(listing.files)} 个文件 files, {rows} 行 rows, {listing.bytes} 字节 bytes", *([line] if line else [])]
    if listing.reason:
        told.append(f"注意 note: {listing.reason}")
    told.append(f"核验 verify: huitong-verify exchange {folder} --key {hub_key or 'log.key'}")
    show_record({**record, "proven": listing.proven, "reason": listing.reason, **(more or {})}, as_json, "\n".join(told))
    if hub_key is None and not as_json:
        note(f"日志公钥 log.key: {url.rstrip('/')}/ledger/key")
