"""Entries from their bytes: for readers, and strictly for those who verify."""

from __future__ import annotations

from datetime import datetime

import orjson

from hub.ledger.canonical import VERSION, Record, record, seal
from hub.ledger.entry import Access, Entry, EntryDraft, Item, SourceState


def parse(canonical: bytes) -> Entry:
    """The entry behind its bytes.

    Raises:
        ValueError: they are not an entry of version 1.
    """
    try:
        made = orjson.loads(canonical)
        if made["v"] != VERSION:
            raise ValueError(f"an entry of version {made['v']!r} needs a newer verifier")
        return Entry(made["seq"], made["log"], made["chain"], _content(made), canonical)
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as fault:
        raise ValueError("these bytes are not a ledger entry") from fault


def verified(canonical: bytes) -> Entry:
    """The entry behind its bytes, once these are exactly the canonical form of what they say.

    Raises:
        ValueError: they are not.
    """
    entry = parse(canonical)
    if seal(record(entry.content, entry.log), entry.seq, entry.chain) != canonical:
        raise ValueError("these bytes are not the canonical form of a ledger entry")
    return entry


def place(canonical: bytes) -> tuple[str, int, str]:
    """Log, ``seq`` and ``chain`` that the bytes claim.

    Raises:
        ValueError: they are not an entry of version 1.
    """
    try:
        made = orjson.loads(canonical)
        if made["v"] != VERSION:
            raise ValueError(f"an entry of version {made['v']!r} needs a newer verifier")
        return made["log"], made["seq"], made["chain"]
    except (KeyError, TypeError, orjson.JSONDecodeError) as fault:
        raise ValueError("these bytes are not a ledger entry") from fault


def _content(made: Record) -> EntryDraft:
    plain = {name: made[name] for name in ("kind", "call", "outcome", "operation", "medium", "application", "department", "operator", "case", "purpose")}
    plain |= {name: made[name] for name in ("scenario", "basis", "approver", "document", "rows", "bytes", "code", "details", "address", "trace")}
    return EntryDraft(
        **plain,
        at=datetime.fromisoformat(made["at"]),
        document_id=made["documentId"],
        accesses=tuple(
            Access(**{**access, "items": tuple(Item(**item) for item in access["items"]), "subjects": tuple(access["subjects"])}) for access in made["accesses"]
        ),
        sources=tuple(SourceState(**state) for state in made["sources"]),
    )
