"""Receipts: what a caller keeps to prove that its call stands in the ledger, and how to check one with the public key alone."""

from __future__ import annotations

import base64
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from hub.ledger.digest import digest_of
from hub.ledger.keys import VerifierKey
from hub.ledger.merkle import verify_inclusion

_SHOWN = b'{"call":%b,"entry":"%d","batchRoot":"%b","path":[%b],"signature":"%b","leaf":"%b","index":%d,"size":%d,"key":%b}'


def batch_text(log: str, first: int, count: int, root: bytes) -> bytes:
    """What a batch's signature covers: four lines, each ended by a newline.

    ``huitong-batch/v1``, the log's name, the sequence number of the first entry and the number of entries, the batch root in base64 (RFC 4648 §4).
    So a signature binds every leaf to its place in one log, and can never be taken for that of a checkpoint.
    """
    return f"huitong-batch/v1\n{log}\n{first} {count}\n{base64.b64encode(root).decode()}\n".encode()


@dataclass(slots=True, unsafe_hash=True)
class Receipt:
    """A signed promise: ``leaf`` stands at ``entry`` of the log.

    ``index`` and ``size`` place the leaf in its batch, whose root the path leads to; the batch's first entry is ``entry - index``.
    """

    call: str
    entry: int
    batch_root: bytes
    path: tuple[bytes, ...]
    signature: bytes
    index: int
    size: int
    leaf: bytes
    key_id: str

    def as_json(self) -> dict[str, Any]:
        """As ``extensions.receipt`` shows it; bytes in base64, ``entry`` a string because it may pass 2^53."""
        return {
            "call": self.call,
            "entry": str(self.entry),
            "batchRoot": _encoded(self.batch_root),
            "path": [_encoded(step) for step in self.path],
            "signature": _encoded(self.signature),
            "leaf": _encoded(self.leaf),
            "index": self.index,
            "size": self.size,
            "key": self.key_id,
        }

    def as_bytes(self) -> bytes:
        """``as_json`` as JSON, in UTF-8."""
        path = b",".join([b'"%b"' % _base64(step) for step in self.path])
        return _SHOWN % (
            orjson.dumps(self.call),
            self.entry,
            _base64(self.batch_root),
            path,
            _base64(self.signature),
            _base64(self.leaf),
            self.index,
            self.size,
            orjson.dumps(self.key_id),
        )

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> Receipt:
        """The receipt behind ``as_json``.

        Raises:
            ValueError: a field is missing or ill-formed.
        """
        try:
            return cls(
                call=str(shown["call"]),
                entry=int(shown["entry"]),
                batch_root=_decoded(shown["batchRoot"]),
                path=tuple(_decoded(step) for step in shown["path"]),
                signature=_decoded(shown["signature"]),
                index=int(shown["index"]),
                size=int(shown["size"]),
                leaf=_decoded(shown["leaf"]),
                key_id=str(shown["key"]),
            )
        except (KeyError, TypeError, ValueError) as fault:
            raise ValueError("this is not a receipt: expected the object of extensions.receipt, whole") from fault


def verify_receipt(receipt: Receipt, key: VerifierKey) -> bool:
    """Whether the log with this key signed that the receipt's leaf stands at its entry. Needs no ledger."""
    first = receipt.entry - receipt.index
    return (
        receipt.key_id == key.key_id
        and first >= 0
        and verify_inclusion(receipt.index, receipt.size, receipt.leaf, receipt.path, receipt.batch_root, digest_of(key.name))
        and key.verify(receipt.signature, batch_text(key.name, first, receipt.size, receipt.batch_root))
    )


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _base64(raw: bytes) -> bytes:
    return b2a_base64(raw, newline=False)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
