"""What an entry says. ``canonical.py`` turns it into the bytes that are hashed.

An entry never holds a caller's arguments or a source's values; subjects arrive as keyed hashes (``subjects.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from hub.ledger.digest import digest_of
from hub.store.base import now
from masking.rules import Mask

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
"""JSON without floats."""

Kind = Literal["call", "deny", "admin", "exchange", "download", "rollup", "start", "stop", "key"]
Medium = Literal["INTERFACE", "TABLE", "FILE"]
Outcome = Literal["OK", "PARTIAL", "REFUSED", "FAILED"]
Shown = Literal["clear", "masked", "key", "match", "aggregate"]


@dataclass(frozen=True, slots=True)
class Item:
    """One information item that a call touched: its code, how it was shown, and the mask's label and version (``NAME@1``) where it was masked.

    ``key`` served a look-up without being shown, ``match`` was compared in a filter or a verification, ``aggregate`` went into
    figures of many rows.
    """

    code: str
    shown: Shown
    mask: str | None = None

    @classmethod
    def masked(cls, code: str, mask: Mask) -> Item:
        """An item shown through this mask."""
        return cls(code, "masked", f"{mask.label}@{mask.version}")


@dataclass(frozen=True, slots=True)
class SubjectSet:
    """Subjects too many to name in an entry: how many there are, and the digest (hexadecimal) of their sorted hashes, which are kept beside the log."""

    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class Access:
    """What a call took from one resource. ``subjects`` are hashes made by ``Subjects.digests``; ``policy`` is the fingerprint of the decision."""

    resource: str
    provider: str
    source: str
    items: tuple[Item, ...] = ()
    rows: int = 0
    subjects: tuple[str, ...] = ()
    grant: str | None = None
    approver: str | None = None
    policy: str | None = None
    subject_set: SubjectSet | None = None
    """Of an exchange, instead of ``subjects``."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source fared during the call; ``ms`` is its time in milliseconds, ``as_of`` the oldest state of data that was read of it."""

    source: str
    state: str
    ms: int
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """Everything an entry says but its place in the log. ``department`` is the consumer's; ``document`` the hash of the query's text.

    The seven fields of LOG-01 are ``purpose``, ``operator``, ``approver``, the accesses' items, ``at``, ``operation`` and ``medium``.
    """

    kind: Kind
    call: str
    outcome: Outcome
    at: datetime = field(default_factory=now)
    operation: str | None = None
    medium: Medium | None = None
    application: str | None = None
    department: str | None = None
    operator: str | None = None
    case: str | None = None
    purpose: str | None = None
    scenario: str | None = None
    basis: str | None = None
    approver: str | None = None
    accesses: tuple[Access, ...] = ()
    document: str | None = None
    document_id: str | None = None
    rows: int = 0
    bytes: int = 0
    code: str | None = None
    sources: tuple[SourceState, ...] = ()
    details: Mapping[str, Json] | None = None
    """Administrative acts: actor, act, target, outcome and little more."""
    address: str | None = None
    """Only in roll-ups of refusals before authentication."""
    trace: str | None = None
    ms: int | None = None
    """From the call's arrival to its entry, in milliseconds; ``None`` where nothing was waited for."""
    version: int = 2
    """Of the canonical form; older ones are read, not written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A durable entry: what it says, its place (``seq``, from 0), the log it stands in, its predecessor's leaf hash (``chain``), its bytes."""

    seq: int
    log: str
    chain: str
    content: EntryDraft
    canonical: bytes

    @property
    def leaf(self) -> bytes:
        """Its leaf hash in the Merkle tree."""
        return digest_of(self.log).leaf(self.canonical)
