"""Bundles, ``huitong-bundle/v1``: entries with what proves them, for ``huitong-verify``. ``docs/verify.md`` defines the format."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, select

from hub.ledger import tables
from hub.ledger.digest import Digest, digest_of
from hub.ledger.entry import Entry
from hub.ledger.keys import Signer
from hub.ledger.merkle import inclusion_ranges, peak_addresses, resolve
from hub.ledger.tree import consistency_path, nodes_at, peaks

FORMAT = "huitong-bundle/v1"
_AT_ONCE = 200
"""Entries whose paths are read together: SQLite takes 32,766 parameters."""


def line(value: Mapping[str, Any]) -> bytes:
    """One line of a bundle: canonical JSON and a newline."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def head_over(connection: Connection, size: int) -> tuple[int, str] | None:
    """The first checkpoint over at least so many entries: its size and its note. ``None`` where there is none yet."""
    table = tables.checkpoint
    row = connection.execute(select(table).where(table.c.size >= size).order_by(table.c.size).limit(1)).one_or_none()
    return None if row is None else (row.size, row.note)


def header(kind: str, note: str, first: int, count: int, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What every first line holds."""
    log = note.partition("\n")[0]
    made = {"format": FORMAT, "kind": kind, "log": log, "digest": digest_of(log).name.lower(), "checkpoint": note, "first": first, "count": count}
    return made if about is None else {**made, "about": about}


def segment_header(connection: Connection, note: str, size: int, first: int, count: int, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The first line of a segment: the tree before it, and the proof from its end to the checkpoint of ``size`` entries."""
    end, digest = first + count, digest_of(note.partition("\n")[0])
    consistency = consistency_path(connection, end, size, digest) if 0 < end < size else ()
    before = peaks(connection, first)
    return {**header("segment", note, first, count, about), "before": [_text(each) for each in before], "consistency": [_text(each) for each in consistency]}


def entry_line(entry: Entry, digest: Digest, path: Sequence[bytes] | None = None) -> bytes:
    """The line of one entry; ``path`` stands in extracts."""
    made: dict[str, Any] = {"seq": entry.seq, "entry": entry.canonical.decode(), "leaf": _text(digest.leaf(entry.canonical))}
    return line(made if path is None else {**made, "path": [_text(step) for step in path]})


def paths(connection: Connection, numbers: Sequence[int], size: int, digest: Digest) -> list[tuple[bytes, ...]]:
    """The inclusion paths of entries in the tree of this size, many with each statement."""
    found: list[tuple[bytes, ...]] = []
    for start in range(0, len(numbers), _AT_ONCE):
        wanted = [inclusion_ranges(number, size) for number in numbers[start : start + _AT_ONCE]]
        nodes = nodes_at(connection, {address for ranges in wanted for span in ranges for address in peak_addresses(*span)})
        found += [resolve(ranges, nodes, digest) for ranges in wanted]
    return found


def path_texts(path: Sequence[bytes]) -> list[str]:
    """A path as JSON shows it."""
    return [_text(step) for step in path]


class Sealing:
    """Hashes what is written, and signs it at the end."""

    def __init__(self, form: str = FORMAT) -> None:
        self._form = form
        self._hash = hashlib.sha256()

    def add(self, content: bytes) -> bytes:
        """The content, taken into account."""
        self._hash.update(content)
        return content

    def closing(self, signer: Signer, size: int) -> bytes:
        """The closing line, over everything before it; ``size`` is that of the checkpoint."""
        sha256 = self._hash.hexdigest()
        text = f"{self._form}\n{signer.verifier_key.name}\n{size}\n{sha256}\n".encode()
        return line({"sha256": sha256, "key": signer.key_id, "signature": _text(signer.sign(text))})


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
