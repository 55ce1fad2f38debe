"""Proofs over published entries, for ``GET /ledger/proof/{entry}`` and for auditors who hold an earlier checkpoint."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from hub.ledger import tables
from hub.ledger.checkpoint import open_checkpoint
from hub.ledger.digest import digest_of
from hub.ledger.keys import VerifierKey
from hub.ledger.merkle import verify_inclusion
from hub.ledger.publish import last_size
from hub.ledger.tree import consistency_path, inclusion_path, nodes_at

TLOG_PROOF = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That the entry at ``index`` is in the tree of ``size`` leaves which ``checkpoint`` signs."""

    index: int
    size: int
    path: tuple[bytes, ...]
    checkpoint: str

    def as_json(self) -> dict[str, Any]:
        """``{index, size, path, checkpoint}``, hashes in base64."""
        return {"index": self.index, "size": self.size, "path": [base64.b64encode(step).decode() for step in self.path], "checkpoint": self.checkpoint}

    def as_text(self) -> str:
        """The proof as C2SP tlog-proof writes it (media type ``text/plain``, file extension ``.tlog-proof``)."""
        path = "".join(f"{base64.b64encode(step).decode()}\n" for step in self.path)
        return f"{TLOG_PROOF}\nindex {self.index}\n{path}\n{self.checkpoint}"


def verify_proof(proof: InclusionProof, leaf: bytes, keys: Collection[VerifierKey]) -> bool:
    """Whether a checkpoint signed by one of these keys holds the leaf where the proof says. Needs no ledger."""
    try:
        head = open_checkpoint(proof.checkpoint, keys)
    except ValueError:
        return False
    return (
        head.size == proof.size
        and head.origin in {key.name for key in keys}
        and verify_inclusion(proof.index, proof.size, leaf, proof.path, head.root, digest_of(head.origin))
    )


def latest_checkpoint(connection: Connection) -> str | None:
    """The last signed checkpoint, for ``GET /ledger/checkpoint``; ``None`` before the first."""
    note: str | None = connection.execute(select(tables.checkpoint.c.note).order_by(tables.checkpoint.c.size.desc()).limit(1)).scalar()
    return note


def inclusion(connection: Connection, entry: int) -> InclusionProof | None:
    """The proof of an entry in the last published tree; ``None`` until it is published.

    Raises:
        LedgerCorrupt: the stored tree has a hole.
    """
    head = connection.execute(select(tables.checkpoint).order_by(tables.checkpoint.c.size.desc()).limit(1)).one_or_none()
    if head is None or not 0 <= entry < head.size:
        return None
    return InclusionProof(entry, head.size, inclusion_path(connection, entry, head.size, digest_of(_origin(head.note))), head.note)


def leaf_of(connection: Connection, entry: int) -> bytes:
    """The leaf hash of an entry: the commitment to its bytes, which stay in the hub.

    Raises:
        LedgerCorrupt: there is none.
    """
    return nodes_at(connection, [(0, entry)])[0, entry]


def consistency(connection: Connection, old: int, new: int) -> tuple[bytes, ...] | None:
    """The proof that the tree of ``new`` entries extends that of ``old``; ``None`` unless ``0 < old <= new <= published size``.

    Raises:
        LedgerCorrupt: the stored tree has a hole.
    """
    note = latest_checkpoint(connection)
    if note is None or not 0 < old <= new <= last_size(connection):
        return None
    return consistency_path(connection, old, new, digest_of(_origin(note)))


def _origin(note: str) -> str:
    """The log's name: the first line of its checkpoints."""
    return note.partition("\n")[0]
