"""Proves that an answer stands in the hub's ledger: ``verify_answer.py ANSWER KEY [PROOF]``.

ANSWER is the JSON answer as received, KEY what ``GET /ledger/key`` gave, PROOF what ``GET /ledger/proof/{entry}`` gave. Works offline,
shares no code with the hub, and needs the package ``cryptography`` for Ed25519 and nothing else. ``docs/ledger.md`` tells what is signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Refuted(Exception):
    """The evidence does not hold; ``str()`` says which part."""


def climb(log: str, leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root to which an inclusion path leads (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        raise Refuted("the index lies outside the tree")
    # A log whose name ends in /sm3 hashes with SM3 (GB/T 32905).
    digest = "sm3" if log.endswith("/sm3") else "sha256"
    last, node = size - 1, leaf
    for step in path:
        if last == 0:
            raise Refuted("the path is too long")
        if index & 1 or index == last:
            node = hashlib.new(digest, b"\x01" + step + node).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.new(digest, b"\x01" + node + step).digest()
        index, last = index >> 1, last >> 1
    if last:
        raise Refuted("the path is too short")
    return node


def signed(key: Ed25519PublicKey, signature: bytes, message: bytes, what: str) -> None:
    """Refutes a signature that is not the key's over the message."""
    try:
        key.verify(signature, message)
    except InvalidSignature:
        raise Refuted(f"the signature of the {what} does not hold") from None


def check_receipt(receipt: dict[str, Any], log: str, key: Ed25519PublicKey) -> None:
    """That the log signed: this leaf stands at this entry."""
    root, leaf = _bytes(receipt["batchRoot"]), _bytes(receipt["leaf"])
    if climb(log, leaf, receipt["index"], receipt["size"], [_bytes(step) for step in receipt["path"]]) != root:
        raise Refuted("the receipt's path does not lead to its batch root")
    first = int(receipt["entry"]) - receipt["index"]
    text = f"huitong-batch/v1\n{log}\n{first} {receipt['size']}\n{receipt['batchRoot']}\n"
    signed(key, _bytes(receipt["signature"]), text.encode(), "receipt")


def check_proof(proof: dict[str, Any], receipt: dict[str, Any], log: str, key: Ed25519PublicKey) -> int:
    """That the published tree holds the receipt's leaf at the receipt's entry; the tree's size."""
    text, _, signatures = proof["checkpoint"].rpartition("\n\n")
    origin, size, root = text.split("\n")[:3]
    mine = [_bytes(line.split(" ")[2]) for line in signatures.splitlines() if line.split(" ")[1] == log]
    own = [raw[4:] for raw in mine if raw[:4].hex() == receipt["key"]]
    if origin != log or not own:
        raise Refuted("the checkpoint is not this log's")
    signed(key, own[0], f"{text}\n".encode(), "checkpoint")
    if (proof["index"], proof["size"]) != (int(receipt["entry"]), int(size)):
        raise Refuted("the proof is for another entry or another tree")
    if climb(log, _bytes(receipt["leaf"]), proof["index"], proof["size"], [_bytes(step) for step in proof["path"]]) != _bytes(root):
        raise Refuted("the proof's path does not lead to the checkpoint's root")
    return int(size)


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def main(answer: str, key_file: str, proof_file: str | None = None) -> int:
    """Says what is proven; 1 where the evidence is refuted."""
    receipt = json.loads(Path(answer).read_text("utf-8"))["extensions"]["receipt"]
    log, key_id, material = Path(key_file).read_text("utf-8").strip().split("+", 2)
    key = Ed25519PublicKey.from_public_bytes(_bytes(material)[1:])
    try:
        if key_id != receipt["key"]:
            raise Refuted(f"the receipt was signed with key {receipt['key']}, not {key_id}")
        check_receipt(receipt, log, key)
        sys.stdout.write(f"receipt holds: {log} promised call {receipt['call']} entry {receipt['entry']}\n")
        if proof_file is not None:
            size = check_proof(json.loads(Path(proof_file).read_text("utf-8")), receipt, log, key)
            sys.stdout.write(f"proof verified: entry {receipt['entry']} is in the published tree of {size} entries\n")
    except Refuted as refuted:
        sys.stderr.write(f"REFUTED: {refuted}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
