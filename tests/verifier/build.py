"""Logs, and what their holders keep of them, written as ``docs/verify.md`` and ``docs/ledger.md`` say."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from hub.ledger import tables
from hub.ledger.batch import Pending, write
from hub.ledger.canonical import record
from hub.ledger.digest import digest_of
from hub.ledger.proofs import consistency, inclusion, latest_checkpoint
from hub.ledger.receipt import Receipt
from hub.ledger.service import LedgerService
from hub.ledger.tree import inclusion_path, peaks
from hub.store.turns import writing
from tests.ledger.build import make_draft
from verifier.cli import main

Line = dict[str, Any]


def encoded(raw: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(raw).decode()


def line(value: Line) -> bytes:
    """A line of a bundle."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n"


def fill(service: LedgerService, sizes: Sequence[int], prefix: str = "c", publish: bool = True, **also: Any) -> list[Receipt]:
    """Batches of these sizes, a checkpoint after each."""
    receipts: list[Receipt] = []
    for number, size in enumerate(sizes):
        drafts = [make_draft(f"{prefix}{number}-{one}", **also) for one in range(size)]
        with writing(service.engine) as connection:
            made = write(connection, [Pending(draft, record(draft, service.ledger.log)) for draft in drafts], service.signer)
        receipts += [receipt for receipt in made if isinstance(receipt, Receipt)]
        if publish:
            service.publisher.publish_all()
    return receipts


@dataclass(frozen=True)
class Log:
    """A ledger, and files made of it."""

    service: LedgerService
    folder: Path

    @property
    def name(self) -> str:
        """The log's name."""
        return self.service.ledger.log

    @property
    def key(self) -> Path:
        """The file with its public key."""
        return self.file("log.key", f"{self.service.verifier_key}\n".encode())

    def file(self, name: str, content: bytes) -> Path:
        """A file of this content."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def note(self, size: int | None = None) -> str:
        """The last checkpoint, or that of this size."""
        with self.service.engine.connect() as connection:
            if size is None:
                return latest_checkpoint(connection) or ""
            note: str = connection.execute(select(tables.checkpoint.c.note).where(tables.checkpoint.c.size == size)).scalar_one()
            return note

    def segment(self, first: int, count: int, size: int, **also: Any) -> list[Line]:
        """The lines of a segment under the checkpoint of this size."""
        with self.service.engine.connect() as connection:
            proof = consistency(connection, first + count, size) if first + count else ()
            before = peaks(connection, first)
        header = self._header("segment", first, count, size) | {"before": [encoded(peak) for peak in before]} | also
        return [header | {"consistency": [encoded(step) for step in proof or ()]}, *(self._line(seq) for seq in range(first, first + count))]

    def extract(self, entries: Sequence[int], size: int, **also: Any) -> list[Line]:
        """The lines of an extract under the checkpoint of this size."""
        made = [self._header("extract", entries[0], len(entries), size) | also]
        with self.service.engine.connect() as connection:
            return made + [
                self._line(seq) | {"path": [encoded(step) for step in inclusion_path(connection, seq, size, digest_of(self.name))]} for seq in entries
            ]

    def sealed(self, lines: Sequence[Line]) -> bytes:
        """The lines with a closing line."""
        body = b"".join(map(line, lines))
        sha256, size = hashlib.sha256(body).hexdigest(), lines[0]["checkpoint"].split("\n")[1]
        text = f"huitong-bundle/v1\n{self.name}\n{size}\n{sha256}\n".encode()
        return body + line({"sha256": sha256, "key": self.service.signer.key_id, "signature": encoded(self.service.signer.sign(text))})

    def signed(self, content: Line) -> bytes:
        """A list as archives and exchanges have it, with its signature."""
        signature = self.service.signer.sign(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
        signer = self.service.signer
        whole = {**content, "signature": {"key": signer.key_id, "algorithm": signer.algorithm, "value": encoded(signature)}}
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()

    def archive(self, folder: Path, cuts: Sequence[int], **also: Any) -> Path:
        """An archive in a folder, its segments cut at these entries; the first cut is where it begins."""
        folder.mkdir(exist_ok=True)
        listed = []
        for first, end in pairwise(cuts):
            content = b"".join(map(line, self.segment(first, end - first, cuts[-1])))
            name = f"{first}.jsonl"
            (folder / name).write_bytes(content)
            listed.append({"file": name, "first": first, "count": end - first, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
        (folder / "archive.json").write_bytes(self.signed({"format": "huitong-archive/v1", "log": self.name, "segments": listed, **also}))
        return folder

    def proof(self, entry: int) -> Path:
        """The file with the inclusion proof of an entry."""
        with self.service.engine.connect() as connection:
            proof = inclusion(connection, entry)
        assert proof is not None
        return self.file(f"proof-{entry}.json", orjson.dumps(proof.as_json()))

    def consistency(self, old: int, new: int) -> Path:
        """The file with the consistency proof between two sizes."""
        with self.service.engine.connect() as connection:
            path = consistency(connection, old, new)
        assert path is not None
        return self.file(f"consistency-{old}-{new}.json", orjson.dumps({"old": old, "new": new, "path": [encoded(step) for step in path]}))

    def _header(self, kind: str, first: int, count: int, size: int) -> Line:
        digest = "sm3" if self.name.endswith("/sm3") else "sha256"
        return {"format": "huitong-bundle/v1", "kind": kind, "log": self.name, "digest": digest, "checkpoint": self.note(size), "first": first, "count": count}

    def _line(self, seq: int) -> Line:
        with self.service.engine.connect() as connection:
            row = connection.execute(select(tables.entry).where(tables.entry.c.seq == seq)).one()
        return {"seq": seq, "entry": row.canonical.decode(), "leaf": encoded(row.leaf)}


def told(capsys: Any, *arguments: object) -> tuple[int, dict[str, Any]]:
    """The exit code and the report of one command line of the verifier."""
    capsys.readouterr()
    code = main([*map(str, arguments), "--json"])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert report["exit"] == code
    return code, report
