"""The canonical bytes of an entry, version 2: JSON as RFC 8785 writes it, for the subset of ASCII keys, integers, texts, booleans, null and lists.

Every key is always present; what does not apply is ``null``. ``chain`` is the leaf hash of the entry before, in hexadecimal, 64 zeros for the first.
Version 1 lacked ``ms``, the sources' ``asOf`` and the accesses' ``subjectSet``; its entries stay what they are and are verified as such.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import orjson

from hub.ledger.entry import Access, EntryDraft, Item, Json, Kind, Medium, Outcome, Shown, SourceState, SubjectSet
from hub.ledger.errors import EntryRejected
from hub.ledger.subjects import LENGTH

VERSION = 2
VERSIONS = (1, 2)
"""What is read."""
NO_PREDECESSOR = "0" * 64
MAX_BYTES = 1 << 20
"""Of one entry. A batch exchange writes one entry per part instead of a larger one."""
MAX_INTEGER = 2**53 - 1
"""What RFC 8785 can carry exactly."""

_KINDS, _MEDIA, _OUTCOMES, _SHOWN = (frozenset(get_args(choice)) for choice in (Kind, Medium, Outcome, Shown))
_DETAILS_BYTES, _DETAILS_DEPTH = 16384, 6
_LIMITS = {
    "call": 64,
    "operation": 64,
    "application": 128,
    "department": 128,
    "operator": 256,
    "case": 256,
    "purpose": 64,
    "scenario": 512,
    "basis": 512,
    "approver": 256,
    "document": 128,
    "documentId": 128,
    "code": 64,
    "address": 64,
    "trace": 64,
}
_ACCESS_LIMITS = {"resource": 128, "provider": 128, "source": 128, "grant": 64, "approver": 256, "policy": 128}
_CODES = ("operation", "application", "department")
_ACCESS_CODES = ("resource", "provider")
_HEXADECIMAL = re.compile(r"[0-9a-f]*\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
Record = dict[str, Any]


def record(draft: EntryDraft, log: str) -> Record:
    """The draft as a checked record that lacks only its place: ``seq`` and ``chain`` are placeholders until ``seal``.

    Raises:
        EntryRejected: a field is of the wrong type, too long or out of its list, or the whole is larger than ``MAX_BYTES``.
    """
    _choice("kind", draft.kind, _KINDS)
    _choice("outcome", draft.outcome, _OUTCOMES)
    if draft.medium is not None:
        _choice("medium", draft.medium, _MEDIA)
    if draft.version not in VERSIONS:
        raise EntryRejected(f"an entry has version {' or '.join(map(str, VERSIONS))}")
    first = draft.version == 1
    made: Record = {
        "v": draft.version,
        "seq": MAX_INTEGER,
        "at": moment(draft.at),
        "call": draft.call,
        "kind": draft.kind,
        "operation": draft.operation,
        "medium": draft.medium,
        "application": draft.application,
        "department": draft.department,
        "operator": draft.operator,
        "case": draft.case,
        "purpose": draft.purpose,
        "scenario": draft.scenario,
        "basis": draft.basis,
        "approver": draft.approver,
        "accesses": [_access(access, first) for access in draft.accesses],
        "document": draft.document,
        "documentId": draft.document_id,
        "rows": _count("rows", draft.rows),
        "bytes": _count("bytes", draft.bytes),
        "outcome": draft.outcome,
        "code": draft.code,
        "sources": [_source(state, first) for state in draft.sources],
        "details": None if draft.details is None else _details(draft.details),
        "address": draft.address,
        "trace": draft.trace,
        "ms": None if draft.ms is None else _count("ms", draft.ms),
        "chain": NO_PREDECESSOR,
        "log": log,
    }
    if first:
        del made["ms"]
    _texts(made, _LIMITS)
    _codes(made, ("call",), required=True)
    _codes(made, _CODES, required=False)
    if len({access.resource for access in draft.accesses}) != len(draft.accesses):
        raise EntryRejected("an entry names each resource once; add up what a call took from it")
    if len(encode(made)) > MAX_BYTES:
        raise EntryRejected(f"the entry is larger than {MAX_BYTES} bytes; write one entry per part of the work")
    return made


def seal(made: Record, seq: int, chain: str) -> bytes:
    """The canonical bytes of a record at its place in the log."""
    made["seq"] = seq
    made["chain"] = chain
    return orjson.dumps(made, option=orjson.OPT_SORT_KEYS)


def encode(value: Json | Record) -> bytes:
    """Canonical JSON.

    Raises:
        EntryRejected: a text is not Unicode (a lone surrogate), or a value has no place in JSON.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as fault:
        raise EntryRejected("an entry's texts are valid Unicode, its other values JSON") from fault


def moment(at: datetime) -> str:
    """ISO 8601 in UTC with microseconds, as ``UtcText`` stores it.

    Raises:
        EntryRejected: the datetime is naive.
    """
    if at.tzinfo is UTC:
        return at.isoformat(timespec="microseconds")
    if at.tzinfo is None:
        raise EntryRejected("an entry's time is an aware datetime")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _access(access: Access, first: bool) -> Record:
    made: Record = {
        "resource": access.resource,
        "provider": access.provider,
        "source": access.source,
        "items": [_item(item) for item in access.items],
        "rows": _count("rows", access.rows),
        "subjects": list(access.subjects),
        "subjectSet": None if access.subject_set is None else subject_set(access.subject_set),
        "grant": access.grant,
        "approver": access.approver,
        "policy": access.policy,
    }
    if first:
        del made["subjectSet"]
    _texts(made, _ACCESS_LIMITS)
    _codes(made, _ACCESS_CODES, required=True)
    if access.subjects and not (all(len(subject) == LENGTH for subject in access.subjects) and _HEXADECIMAL.match("".join(access.subjects))):
        raise EntryRejected("subjects are keyed hashes made by Subjects.digests, never identifiers")
    return made


def _item(item: Item) -> Record:
    _choice("shown", item.shown, _SHOWN)
    code, mask = item.code, item.mask
    if type(code) is not str or len(code) > 128 or (mask is not None and (type(mask) is not str or len(mask) > 96)):
        raise EntryRejected("an item's code (128 characters) or mask (96) is no text or too long")
    return {"code": code, "shown": item.shown, "mask": mask}


def subject_set(held: SubjectSet) -> Record:
    """The record of a set.

    Raises:
        EntryRejected: it is none.
    """
    if type(held.digest) is not str or not _DIGEST.match(held.digest):
        raise EntryRejected("a subject set's digest is 64 hexadecimal digits")
    return {"count": _count("count", held.count), "digest": held.digest}


def _source(state: SourceState, first: bool) -> Record:
    made: Record = {"source": state.source, "state": state.state, "ms": _count("ms", state.ms)}
    if not first:
        made["asOf"] = None if state.as_of is None else moment(state.as_of)
    _texts(made, {"source": 128, "state": 32})
    return made


def _choice(name: str, value: object, choices: frozenset[str]) -> None:
    if type(value) is not str or value not in choices:
        raise EntryRejected(f"{name} is one of {', '.join(sorted(choices))}")


def _count(name: str, value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise EntryRejected(f"{name} is a whole number from 0 to 2^53-1")
    return value


def _texts(made: Record, limits: dict[str, int]) -> None:
    for name, limit in limits.items():
        value = made[name]
        if value is not None and (type(value) is not str or len(value) > limit):
            raise EntryRejected(f"{name} is a text of at most {limit} characters")


def _codes(made: Record, names: tuple[str, ...], *, required: bool) -> None:
    """Codes are the hub's own, and columns: one that a database could refuse must not take a whole batch with it."""
    for name in names:
        value = made[name]
        if (value is None and required) or (value is not None and not (value and value.isprintable())):
            raise EntryRejected(f"{name} is a code: one or more printable characters")


def _details(details: object) -> Json:
    plain = _plain(details, _DETAILS_DEPTH)
    if len(encode(plain)) > _DETAILS_BYTES:
        raise EntryRejected(f"details are larger than {_DETAILS_BYTES} bytes")
    return plain


def _plain(value: object, depth: int) -> Json:
    """A copy in plain types, so that nothing the caller changes later can reach the bytes."""
    if value is None or isinstance(value, bool) or type(value) is str:
        return value
    if type(value) is int and abs(value) <= MAX_INTEGER:
        return value
    if depth and isinstance(value, Mapping) and all(type(key) is str and key.isascii() for key in value):
        return {key: _plain(part, depth - 1) for key, part in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_plain(part, depth - 1) for part in value]
    raise EntryRejected(f"details hold ASCII keys, texts, whole numbers, booleans, null and lists, at most {_DETAILS_DEPTH} deep; not {type(value).__name__}")
