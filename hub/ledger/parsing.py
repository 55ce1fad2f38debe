"""Entries from their bytes: for readers, and strictly for those who verify."""

from __future__ import annotations

from datetime import datetime

import orjson

from hub.ledger.canonical import VERSIONS, Record, record, seal
from hub.ledger.entry import Access, Entry, EntryDraft, Item, SourceState, SubjectSet


def parse(canonical: bytes) -> Entry:
    """The entry behind its bytes.

    Raises:
        ValueError: they are not an entry of a known version.
    """
    try:
        made = orjson.loads(canonical)
        if made["v"] not in VERSIONS:
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
        ValueError: they are not an entry of a known version.
    """
    try:
        made = orjson.loads(canonical)
        if made["v"] not in VERSIONS:
            raise ValueError(f"an entry of version {made['v']!r} needs a newer verifier")
        return made["log"], made["seq"], made["chain"]
    except (KeyError, TypeError, orjson.JSONDecodeError) as fault:
        raise ValueError("these bytes are not a ledger entry") from fault


def _content(made: Record) -> EntryDraft:
    plain = {name: made[name] for name in ("kind", "call", "outcome", "operation", "medium", "application", "department", "operator", "case", "purpose")}
    plain |= {name: made[name] for name in ("scenario", "basis", "approver", "document", "rows", "bytes", "code", "details", "address", "trace")}
    return EntryDraft(
        **plain,
        version=made["v"],
        ms=made.get("ms"),
        at=datetime.fromisoformat(made["at"]),
        document_id=made["documentId"],
        accesses=tuple(_access(access) for access in made["accesses"]),
        sources=tuple(_source(state) for state in made["sources"]),
    )


def _access(made: Record) -> Access:
    plain = dict(made)
    held = plain.pop("subjectSet", None)
    items, subjects = (Item(**item) for item in plain.pop("items")), plain.pop("subjects")
    return Access(**plain, items=tuple(items), subjects=tuple(subjects), subject_set=None if held is None else SubjectSet(**held))


def _source(made: Record) -> SourceState:
    plain = dict(made)
    as_of = plain.pop("asOf", None)
    return SourceState(**plain, as_of=None if as_of is None else datetime.fromisoformat(as_of))
