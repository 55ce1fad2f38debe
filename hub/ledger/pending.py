"""Entries on their way into the log: checked, and whole but for their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy import Connection

from hub.ledger.canonical import Record, seal
from hub.ledger.entry import EntryDraft, Kind, Outcome

Work = Callable[[Connection], None]
"""A change that commits together with the entry that reports it. It runs in the ledger's thread: database work only, and little."""
ACTS = ("admin", "start", "stop", "key")
"""Kinds of entries that are taken while ``Ledger.acts_only`` holds, so that those who run the hub can do something about it."""
RELEASES = ("call", "exchange", "download")
"""Kinds of entries behind which data leave."""
Repeated = tuple[str, str, str, str | None, str | None, str | None, str]
"""What an entry's row repeats of it, in the table's order: at, call, kind, operation, application, department, outcome."""


class Taken(Protocol):
    """What was taken of one resource, as figures are counted by it."""

    @property
    def provider(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def rows(self) -> int: ...


class Told(Protocol):
    """What figures are counted by, once an entry is durable."""

    @property
    def kind(self) -> Kind: ...
    @property
    def operation(self) -> str | None: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def accesses(self) -> Sequence[Taken]: ...


class Entering(Protocol):
    """A checked entry that lacks only its place."""

    work: Work | None

    @property
    def call(self) -> str: ...
    @property
    def told(self) -> Told: ...
    @property
    def releases(self) -> bool:
        """Whether data leave behind it."""
        ...

    @property
    def is_act(self) -> bool: ...
    @property
    def repeated(self) -> Repeated: ...
    @property
    def places(self) -> Sequence[tuple[str, str]]:
        """Resource and provider of each access."""
        ...

    def sealed(self, seq: int, chain: str) -> bytes:
        """Its canonical bytes at this place of the log, behind the leaf hash ``chain`` (hexadecimal)."""
        ...


class Pending:
    """A draft with the record that ``canonical.record`` made of it."""

    __slots__ = ("_record", "draft", "work")

    def __init__(self, draft: EntryDraft, made: Record, work: Work | None = None) -> None:
        self.draft = draft
        self._record = made
        self.work = work

    @property
    def call(self) -> str:
        """The call's number."""
        return self.draft.call

    @property
    def told(self) -> EntryDraft:
        """The draft itself."""
        return self.draft

    @property
    def releases(self) -> bool:
        """Whether data leave behind the entry."""
        return releases(self.draft)

    @property
    def is_act(self) -> bool:
        """Whether the entry stands for no data and no mere refusal."""
        return is_act(self.draft)

    @property
    def repeated(self) -> Repeated:
        """As the record has it."""
        made = self._record
        return made["at"], made["call"], made["kind"], made["operation"], made["application"], made["department"], made["outcome"]

    @property
    def places(self) -> Sequence[tuple[str, str]]:
        """Resource and provider of each access."""
        return [(access.resource, access.provider) for access in self.draft.accesses]

    def sealed(self, seq: int, chain: str) -> bytes:
        """As ``canonical.seal``."""
        return seal(self._record, seq, chain)


def releases(told: Told) -> bool:
    """Whether data leave behind an entry. Answers of the governance endpoint hold none of a source's."""
    return told.kind in RELEASES and told.outcome in ("OK", "PARTIAL") and not (told.operation or "").startswith("governance.")


def is_act(told: Told) -> bool:
    """Whether an entry stands for no data and no mere refusal. The end of an exchange that failed is an act: it was begun before."""
    return told.kind in ACTS or (told.kind == "exchange" and told.outcome == "FAILED")
