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


_SUBJECTS = re.compile(rb'"subjects":\[([^\]]+)\]')
_CHAIN, _DETAILS, _SEQ = b',"chain":"', b'"details":', b',"seq":'
# A quotation mark within a text stands behind a backslash: a key with its marks is never part of a text. Only details have keys of anybody's choice,
# and they stand behind `chain` and before `seq`, so that the first of the one and the last of the other are the entry's own.


def stands_at(canonical: bytes, seq: int, chain: str) -> bool:
    """Whether an entry of the present version, without details, says that it stands at this place. Where not, ``place`` says what it claims."""
    start, end = canonical.find(_CHAIN), canonical.rfind(_SEQ)
    chained = canonical.startswith(b'%b","code":' % chain.encode(), start + len(_CHAIN)) and canonical.startswith(b'%d,"sources":[' % seq, end + len(_SEQ))
    return chained and 0 < start < end and _is_bare(canonical, start) and canonical.endswith(_END)


def named_in(canonical: bytes) -> list[bytes] | None:
    """An entry's lists of subjects, as they stand (hexadecimal, in quotation marks, commas between them); ``None`` where it has details or sets."""
    start = canonical.find(_CHAIN)
    if not _is_bare(canonical, start) or canonical.find(b'"subjectSet":{', 0, start) >= 0:
        return None
    found: list[bytes] = _SUBJECTS.findall(canonical, 0, start)
    return found


def _is_bare(canonical: bytes, start: int) -> bool:
    """Whether an entry whose ``chain`` begins there has no details."""
    return start > 0 and canonical.startswith(b"null", canonical.find(_DETAILS, start) + len(_DETAILS))


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
