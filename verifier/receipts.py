"""Receipts of answers: the log's signed promise that a leaf stands at an entry."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.faults import Refuted, Unreadable
from verifier.keys import Keys
from verifier.texts import fields, hashes, lines, octets, parsed, shown, whole
from verifier.tree import climb, digest_of


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as read. ``call`` is not signed by itself: the leaf commits to an entry that names the call."""

    call: str
    entry: int
    leaf: bytes
    index: int
    size: int
    root: bytes
    path: list[bytes]
    key: bytes
    signature: bytes

    def confirm(self, keys: Keys) -> str:
        """The name of the log that signed this receipt.

        Raises:
            Refuted: no known log did, or its path does not lead to its root.
        """
        first = self.entry - self.index
        logs = keys.logs(self.key.hex())
        if first < 0 or not logs:
            raise Refuted(f"回执由未知密钥 {self.key.hex()} 签名", f"the receipt is signed with a key that is not known: {self.key.hex()}", self.entry)
        if climb(digest_of(logs[0]), self.index, self.size, self.leaf, self.path) != self.root:
            raise Refuted("回执的路径不通向其批次根", "the receipt's path does not lead to its batch root", self.entry)
        text = f"huitong-batch/v1\n{logs[0]}\n{first} {self.size}\n{base64.b64encode(self.root).decode()}\n".encode()
        try:
            keys.confirm(logs[0], self.key, (self.signature, text), lambda term: term.over_batch(first, first + self.size), ("回执", "the receipt"))
        except Refuted as fault:
            raise Refuted(fault.zh, fault.en, self.entry) from fault
        return logs[0]


def read_receipt(value: Any) -> Receipt:
    """The receipt in an answer, or itself.

    Raises:
        Unreadable: there is none.
    """
    if isinstance(value, dict) and isinstance(value.get("extensions"), dict):
        value = value["extensions"].get("receipt")
    what = "回执 the receipt"
    call, entry, leaf, index, size = fields(value, what, call=str, entry=str, leaf=str, index=int, size=int)
    root, path, key, signature = fields(value, what, batchRoot=str, path=list, key=str, signature=str)
    if len(key) != 8 or key != key.lower() or not all(one in "0123456789abcdef" for one in key):
        raise Unreadable("回执的密钥编号不规范", "the receipt's key is no id of eight hexadecimal digits")
    return Receipt(
        call,
        whole(entry, "entry"),
        octets(leaf, "leaf", 32),
        whole(index, "index"),
        whole(size, "size"),
        octets(root, "batchRoot", 32),
        hashes(path, "path"),
        bytes.fromhex(key),
        octets(signature, "signature", 64),
    )


def read_receipts(path: Path) -> Iterator[Receipt]:
    """The receipts of a file: one answer or receipt in JSON over any lines, a list of answers, or JSON Lines of either.

    Raises:
        Unreadable: it holds something else, or nothing.
    """
    found = False
    for value in _values(path):
        for one in value if isinstance(value, list) else [value]:
            found = True
            yield read_receipt(one)
    if not found:
        raise Unreadable(f"{shown(path)} 中没有回执", f"there is no receipt in {shown(path)}")


def _values(path: Path) -> Iterator[Any]:
    """JSON values, a line each; lines are put together only where the first is not whole."""
    source = lines(path)
    first = next((line for line in source if line.strip()), b"")
    if _whole(first):
        yield parsed(first, shown(path))
        yield from (parsed(line, shown(path)) for line in source if line.strip())
        return
    pieces, held = [first], len(first)
    for line in source:
        pieces.append(line)
        held += len(line)
        if held > _ANSWER:
            raise Unreadable(f"{shown(path)} 中的应答超过 {_ANSWER} 字节", f"the answer in {shown(path)} is larger than {_ANSWER} bytes")
    yield parsed(b"".join(pieces), shown(path))


_ANSWER = 1 << 26


def _whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
