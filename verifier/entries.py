"""Entries of a ledger as canonical bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verifier.faults import Refuted, Unreadable
from verifier.texts import canonical, parsed
from verifier.tree import Digest

MAX_BYTES = 1 << 20
_KEYS_1 = frozenset(
    [
        "v",
        "seq",
        "at",
        "call",
        "kind",
        "operation",
        "medium",
        "application",
        "department",
        "operator",
        "case",
        "purpose",
        "scenario",
        "basis",
        "approver",
        "accesses",
        "document",
        "documentId",
        "rows",
        "bytes",
        "outcome",
        "code",
        "sources",
        "details",
        "address",
        "trace",
        "chain",
        "log",
    ]
)
KEYS = {1: _KEYS_1, 2: _KEYS_1 | {"ms"}}
"""The keys of an entry, by version: all of them, always."""
_CHAIN = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place, its leaf hash made from its bytes, the leaf that it continues, and its call. ``known`` is whether its version is."""

    seq: int
    leaf: bytes
    chain: str
    call: str
    known: bool


def read_entry(raw: bytes, seq: int, log: str, digest: Digest) -> Entry:
    """The entry in these bytes, which should be that of ``seq``.

    Raises:
        Refuted: the bytes are not canonical, or are those of another place, log or version's keys.
    """

    def refuse(zh: str, en: str) -> Refuted:
        return Refuted(f"条目 {seq} {zh}", f"entry {seq} {en}", seq)

    value = _value(raw, refuse)
    if value.get("seq") != seq or type(value["seq"]) is not int or value.get("log") != log:
        raise refuse("自称属于其他位置或其他日志", "says that it belongs to another place or log")
    version, chain, call = value.get("v"), value.get("chain"), value.get("call")
    if type(version) is not int or version < 1 or (version in KEYS and set(value) != KEYS[version]):
        raise refuse("的字段与其版本不符", "has not the keys of its version")
    if not isinstance(chain, str) or not _CHAIN.match(chain) or not isinstance(call, str):
        raise refuse("的 chain 或 call 不规范", "has an ill-formed chain or call")
    return Entry(seq, digest.leaf(raw), chain, call, version in KEYS)


def _value(raw: bytes, refuse: Callable[[str, str], Refuted]) -> dict[str, Any]:
    try:
        value = parsed(raw, "条目 the entry")
    except Unreadable as fault:
        raise refuse("不是 JSON", "is not JSON") from fault
    if not isinstance(value, dict) or len(raw) > MAX_BYTES or canonical(value) != raw:
        raise refuse("不是规范形式", "is not in canonical form")
    return value
