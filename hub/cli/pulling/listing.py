"""The manifest of an exchange as whoever pulls it checks it: the hub's signature, names that stay in the folder, the ledger's proof."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from hub.cli.faults import CliFault
from hub.cli.texts import read_text
from hub.ledger.errors import KeyFault
from hub.ledger.history import LedgerKey
from hub.ledger.keys import VerifierKey
from hub.ledger.proofs import InclusionProof, verify_proof

MANIFEST = "manifest.json"
MOST_BYTES = 1 << 26
PART, SIDECAR = ".part", ".part.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_HEX = re.compile(r"[0-9a-f]{64}\Z")


class UnknownKey(CliFault):
    """The manifest is signed with a key that is not known; the log may have changed its key."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of an exchange."""

    name: str
    rows: int
    bytes: int
    sha256: str
    sm3: str | None

    @property
    def etag(self) -> str:
        """The entity tag under which the hub serves it."""
        return f'"{self.sha256}"'


@dataclass(frozen=True, slots=True)
class Listing:
    """A manifest whose signature holds; ``raw`` are its bytes. ``proven``: the ledger's proof is in it, and holds.

    ``reason``: why values are null that the source has, where some are.
    """

    exchange: str
    files: tuple[Listed, ...]
    raw: bytes
    proven: bool
    reason: str | None = None

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.bytes for file in self.files)


def read_keys(path: Path) -> list[VerifierKey]:
    """The ledger's public keys in a file, one a line.

    Raises:
        CliFault: it holds none.
    """
    return parsed_keys(read_text(path), str(path))


def parsed_keys(text: str, origin: str) -> list[VerifierKey]:
    """The keys in a text.

    Raises:
        CliFault: there is none, or a line is no key.
    """
    try:
        found = [VerifierKey.parse(line) for line in text.splitlines() if line.strip()]
    except KeyFault as fault:
        raise CliFault(f"{origin}: 不是日志公钥 is no key of a ledger: {fault}", "GET /ledger/key") from None
    if not found:
        raise CliFault(f"{origin}: 没有公钥 holds no key", "GET /ledger/key")
    return found


def followed(pinned: Sequence[VerifierKey], history: bytes) -> list[VerifierKey]:
    """The pinned keys and those that took over from them, each by a statement of the one before; never past a key that was lost.

    ``history`` is what ``GET /ledger/keys`` answers. It need not be trusted: the statements are verified.
    """
    known = list(pinned)
    try:
        told = orjson.loads(history)["keys"]
        line = [LedgerKey(VerifierKey.parse(one["key"]), one["reason"], 0, one["announcedBy"], b64decode(one["statement"] or "")) for one in told]
    except (KeyError, TypeError, ValueError, KeyFault):
        return known
    for before, after in pairwise(line):
        if after.reason == "ROTATED" and before.verifier in known and after.confirms(before.verifier):
            known.append(after.verifier)
    return known


def confirmed(raw: bytes, exchange: str, keys: Sequence[VerifierKey]) -> Listing:
    """The manifest of this exchange, once a known key's signature holds.

    Raises:
        UnknownKey: none of these keys signed it.
        CliFault: it is another's, ill-formed, or not signed.
    """
    try:
        value = orjson.loads(raw)
        files = tuple(_listed(one) for one in value["files"])
        _confirm(value, keys)
        proven = _proven(value, keys)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise CliFault(f"清单不规范 the manifest is ill-formed ({type(fault).__name__})", "请核对地址 compare the address") from None
    if value["exchange"] != exchange:
        raise CliFault(f"清单属于另一批量交换 the manifest is that of another exchange: {value['exchange']}", "请核对编号 compare the id")
    _check_names([file.name for file in files])
    reason = value.get("reason")
    return Listing(exchange, files, raw, proven, reason if isinstance(reason, str) else None)


def _listed(one: dict[str, Any]) -> Listed:
    sm3 = one.get("sm3")
    if not _NAME.match(one["name"]) or not _HEX.match(one["sha256"]) or not (sm3 is None or _HEX.match(sm3)):
        raise CliFault(f"清单中的文件名或摘要不规范 the manifest names a file that cannot be: {str(one['name'])[:60]!r}", "请勿使用 do not use it")
    if min(one["rows"], one["bytes"]) < 0:
        raise ValueError
    return Listed(one["name"], int(one["rows"]), int(one["bytes"]), one["sha256"], sm3)


def _check_names(names: Sequence[str]) -> None:
    """Raises where two files would meet, on any file system, or one would meet what the pull writes itself."""
    folded = [name.lower() for name in names]
    own = [name for name in folded if name == MANIFEST or name.endswith((PART, SIDECAR))]
    if own or len(set(folded)) < len(folded):
        raise CliFault("清单中的文件名重复或被占用 the manifest names a file twice, or one that the pull itself writes", "请勿使用 do not use it")


def _confirm(value: dict[str, Any], keys: Sequence[VerifierKey]) -> None:
    told = value["signature"]
    content = orjson.dumps({name: part for name, part in value.items() if name != "signature"}, option=orjson.OPT_SORT_KEYS)
    signature = b64decode(told["value"], validate=True)
    known = [key for key in keys if key.key_id == told["key"]]
    if not known:
        raise UnknownKey(f"清单由未知密钥 {str(told['key'])[:16]} 签名 the manifest is signed with a key that is not known", "--hub-key: GET /ledger/key")
    if told["algorithm"] != "Ed25519" or not any(key.verify(signature, content) for key in known):
        raise CliFault(
            "清单的签名不成立 the signature of the manifest does not hold", "请勿使用，并告知大数据主管部门 do not use it, and tell the administration"
        )
    digest = hashlib.sha256(orjson.dumps(value["files"], option=orjson.OPT_SORT_KEYS)).hexdigest()
    if digest != value["ledger"]["sha256"]:
        raise CliFault("清单所列文件与日志条目不符 the files are not those that the ledger's entry names", "请勿使用 do not use it")


def _proven(value: dict[str, Any], keys: Sequence[VerifierKey]) -> bool:
    """Whether the ledger's proof is there.

    Raises:
        CliFault: it is, and does not hold.
    """
    told = value["ledger"]
    if (proof := told.get("proof")) is None:
        return False
    path = tuple(b64decode(step, validate=True) for step in proof["path"])
    inclusion = InclusionProof(int(proof["index"]), int(proof["size"]), path, str(proof["checkpoint"]))
    if str(inclusion.index) != told["entry"] or not verify_proof(inclusion, b64decode(told["leaf"], validate=True), keys):
        raise CliFault(
            "日志证明不成立 the proof of the ledger's entry does not hold", "请勿使用，并告知大数据主管部门 do not use it, and tell the administration"
        )
    return True
