"""One batch verification from a folder's point of view: uploaded once, started once, however often the command is run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hub.cli.faults import CliFault
from hub.cli.output import note
from hub.cli.pulling.beginning import Memory, begin
from hub.cli.pulling.pull import Pull, held
from hub.cli.pulling.remote import Refusal, Remote
from hub.cli.verifying.document import Document
from hub.cli.verifying.table import Table
from hub.cli.verifying.upload import send, take_back

_MUTATION = "startVerification"


@dataclass(frozen=True, slots=True)
class Verification:
    """What is to be verified; ``more`` are further parts of the input of ``startVerification``."""

    document: Document
    table: Table
    keep: Sequence[str]
    more: dict[str, str]
    key: str | None

    async def started(self, remote: Remote, wanted: Pull) -> str:
        """The exchange's id.

        Raises:
            Refusal: the hub takes the table or the document not; the upload is deleted then.
            CliFault: the table cannot be read, the hub not be reached, or the folder belongs to something else.
        """
        memory = Memory(wanted.folder)
        memory.check_room()
        with held(wanted.folder):
            known = self._known(memory, remote.url)
            if "exchange" not in known:
                known["exchange"] = await self._begun(remote, wanted, memory, known)
                memory.keep(known)
        note(f"批量交换 exchange {known['exchange']}")
        return known["exchange"]

    def _known(self, memory: Memory, hub: str) -> dict[str, str]:
        """What the folder remembers of this verification. It goes on with no other: an upload is not told by its table any more."""
        input_ = orjson.dumps([hub, self._input("", "")], option=orjson.OPT_SORT_KEYS)
        mine = {"input": hashlib.sha256(input_).hexdigest(), "table": self.table.place, "version": self.table.version()}
        known = memory.of(hub, self.key, mine)
        same = all(known.get(name) == mine[name] for name in ("input", "table")) and mine["version"] in ("", known["version"])
        if not same and ("upload" in known or "input" not in known):
            told = f"目录属于另一表格、文档或选项，或表格已变更 the folder goes on with another table, document or options, or the table has changed: {memory.folder}"
            raise CliFault(told, "换一个目录以另行发起 another folder begins another one: --into DIR")
        return known if "upload" in known else known | mine

    async def _begun(self, remote: Remote, wanted: Pull, memory: Memory, known: dict[str, str]) -> str:
        if "upload" in known:
            try:
                return await self._start(remote, wanted, memory, known)
            except Refusal as fault:
                if fault.reason != "NOT_FOUND":
                    raise
            note("上传文件已不存在，重新上传 the upload is gone; another is made")
        known["upload"] = await self._upload(remote, wanted, memory)
        memory.keep(known)
        return await self._start(remote, wanted, memory, known)

    async def _upload(self, remote: Remote, wanted: Pull, memory: Memory) -> str:
        try:
            async with self.table.opened(self.document, self.keep, wanted.folder) as content:
                return await send(remote, wanted.trying(), content, self.table.media)
        except CliFault:
            # Nothing was begun: what is mended, be it document or table, may begin in this folder.
            memory.forget()
            raise

    async def _start(self, remote: Remote, wanted: Pull, memory: Memory, known: dict[str, str]) -> str:
        try:
            return str((await begin(remote, wanted.trying(), _MUTATION, self._input(known["upload"], known["key"])))["id"])
        except Refusal:
            if await take_back(remote, known["upload"]):
                memory.forget()
            raise

    def _input(self, upload: str, key: str) -> dict[str, Any]:
        keep = {"keep": list(self.keep)} if self.keep else {}
        return {"document": self.document.text, "upload": upload, "idempotencyKey": key, **keep, **self.more}
