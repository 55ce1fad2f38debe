"""Exchanges that a command begins, and what the folder remembers of them, so that the same command goes on with what it started."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from hub.cli.faults import CliFault
from hub.cli.pulling.disk import usable, write_whole
from hub.cli.pulling.listing import MANIFEST
from hub.cli.pulling.remote import Refusal, Remote, Trying, told_of

STATE = ".huitong-exchange.json"
_HEADERS = {"accept": "application/graphql-response+json", "content-type": "application/json"}


async def begin(remote: Remote, trying: Trying, mutation: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The exchange that a mutation with one field starts: ``{id, state}``.

    Raises:
        Refusal: the hub does not start it.
    """
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    document = f"mutation Start($input: {kind}!) {{ {mutation}(input: $input) {{ exchange {{ id state }} }} }}"
    body = json.dumps({"query": document, "variables": {"input": given}}).encode()

    async def attempt() -> Any:
        async with remote.answer("/graphql", _HEADERS, "POST", content=body) as answer:
            return orjson.loads(await answer.aread())

    answer = await trying.insist(attempt)
    if answer.get("errors"):
        fault = answer["errors"][0]
        raise Refusal(fault, told_of(fault))
    begun: dict[str, Any] = answer["data"][mutation]["exchange"]
    return begun


@dataclass(frozen=True, slots=True)
class Memory:
    """What a folder remembers until its files are whole: the hub, the idempotency key, and what else the command needs to go on."""

    folder: Path

    @property
    def _path(self) -> Path:
        return self.folder / STATE

    def check_room(self) -> None:
        """That the folder has not been filled already.

        Raises:
            CliFault: it has.
        """
        if not self._path.exists() and (self.folder / MANIFEST).exists():
            told = f"目录中已有下载完毕的批量交换 the folder holds a whole exchange already: {self.folder}"
            raise CliFault(told, "换一个目录以发起新的交换 another folder begins another exchange: --into DIR")

    def of(self, hub: str, key: str | None, more: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """What is remembered of the exchange with this key (any, where none is given); otherwise a new one, and ``more``.

        Raises:
            CliFault: the folder cannot be used.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = dict(orjson.loads(self._path.read_bytes())) if self._path.exists() else None
            if held is not None and key in (None, held["key"]):
                return held
        except (OSError, ValueError, LookupError, TypeError):
            raise CliFault(f"{self._path}: 无法读写 cannot be read or written", "--into DIR") from None
        made = {"hub": hub, "key": key or secrets.token_hex(16), **more}
        self.keep(made)
        return made

    def keep(self, held: Mapping[str, str]) -> None:
        """Remembers this.

        Raises:
            CliFault: the folder cannot be written.
        """
        with usable(self._path):
            write_whole(self._path, orjson.dumps(held))

    def forget(self) -> None:
        """Remembers nothing any more."""
        self._path.unlink(missing_ok=True)
