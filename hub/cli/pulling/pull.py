"""A whole exchange into a folder: waits until it has ended, checks its manifest, brings the files in side by side, and writes the manifest last."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from hub.cli.faults import CliFault
from hub.cli.output import note
from hub.cli.pulling.disk import place, usable, write_whole
from hub.cli.pulling.files import Coming
from hub.cli.pulling.listing import MANIFEST, MOST_BYTES, PART, Listed, Listing, UnknownKey, confirmed, followed, parsed_keys
from hub.cli.pulling.remote import Again, Remote, Silent, Trying
from hub.cli.pulling.telling import Telling, telling
from hub.ledger.keys import VerifierKey

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")


@dataclass(frozen=True, slots=True)
class Pull:
    """What is wanted: ``keys`` are the ledger's as they were pinned, none where the hub itself is asked for its key."""

    folder: Path
    parallel: int
    patience: float
    keys: Sequence[VerifierKey] = ()

    async def run(self, remote: Remote, exchange: str) -> Listing:
        """Brings the exchange in; what is there already stays, and what was begun goes on.

        Raises:
            CliFault: it cannot be had, or the folder holds something else.
        """
        if not _ID.match(exchange):
            raise CliFault(f"编号不规范 no id of an exchange: {exchange[:80]!r}", "请核对编号 compare the id")
        self._check_folder(exchange)
        await self._ended(remote, exchange)
        listing = await self._listing(remote, exchange)
        with held(self.folder):
            self._check_folder(exchange)
            with telling(listing.bytes) as tell:
                await self._files(remote, listing, tell)
            with usable(self.folder / MANIFEST):
                _finish(self.folder, listing)
        return listing

    def trying(self, tell: Telling | None = None) -> Trying:
        """As much patience as is wanted, for one thing."""
        return Trying(self.patience, note if tell is None else tell.say)

    def _check_folder(self, exchange: str) -> None:
        try:
            held = orjson.loads((self.folder / MANIFEST).read_bytes()).get("exchange")
        except FileNotFoundError:
            return
        except (OSError, ValueError, AttributeError):
            held = None
        if held != exchange:
            raise CliFault(f"目录中已有另一批量交换 the folder holds another exchange: {self.folder}", "--into DIR")

    async def _ended(self, remote: Remote, exchange: str) -> None:
        trying = self.trying()
        state, reason = await trying.insist(lambda: _awaited(remote, exchange, trying))
        if state != "SUCCEEDED":
            raise CliFault(f"批量交换 {exchange}: {state} {reason or ''}".rstrip(), "请换一个目录重新发起 start another one for another folder: --into DIR")

    async def _listing(self, remote: Remote, exchange: str) -> Listing:
        async def attempt() -> Listing:
            keys = self.keys or await _keys(remote)
            raw = await _fetched(remote, f"/exchanges/{exchange}/{MANIFEST}")
            try:
                return confirmed(raw, exchange, keys)
            except UnknownKey:
                return confirmed(raw, exchange, followed(keys, await _fetched(remote, "/ledger/keys")))

        listing = await self.trying().insist(attempt)
        if not listing.proven:
            # The hub has waited for the proof already; once more, and it is left to a later pull.
            listing = await self.trying().insist(attempt)
        if not self.keys:
            note("公钥取自平台自身 the ledger's key comes from the hub itself；建议以可信途径取得后用 --hub-key 固定 pin one that you trust by --hub-key")
        return listing

    async def _files(self, remote: Remote, listing: Listing, tell: Telling) -> None:
        waiting = list(reversed(listing.files))

        async def work() -> None:
            while waiting:
                await self._file(remote, listing.exchange, waiting.pop(), tell)

        workers = [asyncio.ensure_future(work()) for _ in range(min(self.parallel, len(waiting)))]
        try:
            for done in asyncio.as_completed(workers):
                await done
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _file(self, remote: Remote, exchange: str, file: Listed, tell: Telling) -> None:
        came = tell.came(file.name, file.bytes)
        coming = Coming(self.folder, exchange, file, came)
        if await coming.is_there():
            came(file.bytes)
        else:
            await coming.pull(remote, self.trying(tell))
        tell.whole(file.name)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder, made where there is none, for this process alone.

    Raises:
        CliFault: it cannot be used, or another process has it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as fault:
        raise CliFault(f"{folder}: 无法使用 cannot be used: {fault.strerror}", "--into DIR") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CliFault(f"另一进程正在下载到该目录 another process pulls into this folder: {folder}", "--into DIR") from None
    finally:
        os.close(held)


def _finish(folder: Path, listing: Listing) -> None:
    """The manifest, last of all: where it lies, the files are whole. One that lies there already is of the same exchange."""
    whole = folder / MANIFEST
    if whole.exists():
        if orjson.loads(whole.read_bytes()).get("files") != orjson.loads(listing.raw)["files"]:
            raise CliFault(f"目录中的清单与平台的不同 the manifest in the folder is not the hub's: {whole}", "--into DIR")
        return
    draft = folder / f"{MANIFEST}{PART}"
    write_whole(draft, listing.raw)
    place(draft, whole)


async def _awaited(remote: Remote, exchange: str, trying: Trying) -> tuple[str, str | None]:
    """The state in which an exchange ended, and why; tells on the way how far it is."""
    try:
        async with remote.answer(f"/exchanges/{exchange}/events", {"accept": "text/event-stream"}) as answer:
            async for line in answer.aiter_lines():
                # Whatever comes, if only that nothing has changed.
                trying.gained()
                if not line.startswith("data:"):
                    continue
                told: dict[str, Any] = orjson.loads(line.removeprefix("data:"))
                if told["state"] in _ENDED:
                    return told["state"], told["reason"]
                note(_progress(told))
    except Silent:
        # Nothing is told while nothing happens: that is no fault.
        trying.gained()
    raise Again("事件流已结束 the stream of events ended")


def _progress(told: dict[str, Any]) -> str:
    total = f"/{told['rowsTotal']}" if told.get("rowsTotal") is not None else ""
    return f"{told['state']} {told['rowsDone']}{total} 行 rows{'; ' + told['reason'] if told.get('reason') else ''}"


async def _keys(remote: Remote) -> list[VerifierKey]:
    return parsed_keys((await _fetched(remote, "/ledger/key")).decode(errors="replace"), remote.url)


async def _fetched(remote: Remote, path: str) -> bytes:
    """A small body, whole."""
    read = bytearray()
    async with remote.answer(path) as answer:
        async for piece in answer.aiter_bytes():
            read += piece
            if len(read) > MOST_BYTES:
                raise CliFault("应答过大 the answer is too large", "请核对地址 compare the address")
    return bytes(read)
