"""Entries from their bytes: for readers, and strictly for those who verify."""

from __future__ import annotations

import re
from datetime import datetime

import orjson

from hub.ledger.canonical import VERSION, VERSIONS, Record, record, seal
from hub.ledger.entry import Access, Entry, EntryDraft, Item, SourceState, SubjectSet

_END = b',"v":%d}' % VERSION


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


def has_details(canonical: bytes) -> bool:
    """Whether an entry has details. The only part of an entry in which keys are anybody's: without it, each key below stands where the format says.

    A quotation mark within a text stands behind a backslash, so that a key with both its marks, and what is around them, is never part of a text.
    """
    return b'"details":{' in canonical


def stands_at(canonical: bytes, seq: int, chain: str) -> bool:
    """Whether an entry of the present version, without details, says that it stands at this place. Where not, ``place`` says what it claims."""
    said = b',"chain":"%b","code":' % chain.encode() in canonical and b',"seq":%d,"sources":[' % seq in canonical
    return said and canonical.endswith(_END) and not has_details(canonical)


_SUBJECTS = re.compile(rb'"subjects":\[([^\]]+)\]')


def named_in(canonical: bytes) -> set[bytes] | None:
    """The subjects that an entry without details names (hexadecimal, in quotation marks); ``None`` where it has details or sets of subjects."""
    if has_details(canonical) or b'"subjectSet":{' in canonical:
        return None
    return {each for named in _SUBJECTS.findall(canonical) for each in named.split(b",")}


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
