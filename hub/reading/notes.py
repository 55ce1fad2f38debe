"""What a call read of the ledger, as the call's own entry says it: reading leaves a trace before the answer does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from hub.api.context import Context
from hub.ledger.canonical import encode
from hub.ledger.entry import Entry
from hub.ledger.matching import CallFilter
from hub.ledger.subjects import Subjects
from schema.faults import Code, Fault

MOST = 8
"""Readings in one document: each is told in full."""
_PERSONAL = ("operator", "case")
"""Told as keyed hashes: the log does not say whom an auditor looked for, and yet whether it was this one."""
_PLAIN = ("application", "department", "provider", "resource", "item", "operation", "outcome", "code", "purpose", "scenario", "call", "trace")
_BYTES = 1500


def check_readings(context: Context) -> None:
    """Refuses a reading that the entry has no place for.

    Raises:
        Fault: ``QUERY_BUDGET``.
    """
    if len(context.readings) >= MOST:
        zh, en = f"一次调用至多读取日志 {MOST} 次", f"a call reads the ledger {MOST} times at most"
        raise Fault(Code.QUERY_BUDGET, zh, en, "请分次调用", "make several calls")


def note_reading(context: Context, field: str, which: CallFilter, shown: Sequence[Entry]) -> None:
    """Notes what is about to be shown."""
    numbers = [entry.seq for entry in shown]
    about = {"count": len(numbers), "first": min(numbers, default=None), "last": max(numbers, default=None)}
    context.readings.append({"field": field, "filter": told(which, context.live.core.subjects), **about})


def told(which: CallFilter, subjects: Subjects) -> Mapping[str, Any]:
    """A filter for the ledger's own eyes: short, and without names of persons. One too long is told by its SHA-256."""
    said: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(which, name)) is not None}
    said |= {name: f"hmac:{subjects.hash(name, value)}" for name in _PERSONAL if (value := getattr(which, name)) is not None}
    said |= {name: moment.isoformat() for name, moment in (("from", which.since), ("to", which.until)) if moment is not None}
    said |= {name: value for name in ("lowest", "highest") if (value := getattr(which, name)) is not None}
    if which.kinds:
        said["kind"] = list(which.kinds)
    if which.alerts:
        said["alerts"] = True
    content = encode(said)
    return said if len(content) <= _BYTES else {"sha256": hashlib.sha256(content).hexdigest()}
