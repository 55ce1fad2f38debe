"""Entries of answered calls, made of forms that calls of like kind share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from auth.rights import Purpose
from connectors.calling import CALLING
from connectors.kept import Kept
from hub.api.calling import trace_id
from hub.api.context import Caller
from hub.api.entries import access_entries, access_of, call_entry, elapsed, subject_hashes
from hub.ledger.entry import Access as LedgerAccess
from hub.ledger.entry import EntryDraft
from hub.ledger.forms import Filled, Form, Part
from hub.ledger.pending import Work
from hub.ledger.subjects import Subjects
from hub.store.base import now
from hub.tracing.sets import made_set, most_named, set_aside
from schema.answer import Access, Answer
from schema.documents import Document
from schema.faces import Face
from schema.shapes import ItemUse

_BESIDE = 1000
"""Bytes that a form takes besides its text."""
KEPT_BYTES = 16 * 1024 * 1024
"""Of forms, about, and as much again of those that were asked for before: kinds of calls are documents by application, purpose and rights."""


class Made(NamedTuple):
    """The entry of a call that was answered, rows taken by resource, and what writes the sets of subjects that it names."""

    entry: EntryDraft | Filled
    rows: Mapping[str, int]
    sets: Sequence[Work]


class _Known(NamedTuple):
    """A form, and what the accesses were in its example: while they are the same, so is all that it says of them."""

    form: Form
    faces: tuple[tuple[Face, tuple[ItemUse, ...]], ...]


class CallEntries:
    """Makes the entries of answered calls. Calls of like kind share a form, which is checked and put into canonical bytes once. For one thread."""

    def __init__(self, subjects: Subjects, log: str, most: int = KEPT_BYTES) -> None:
        self._subjects = subjects
        self._log = log
        self._known: Kept[tuple[object, ...], _Known] = Kept(most, lambda _, known: _BESIDE + known.form.size)

    def answered(
        self,
        call: str,
        caller: Caller,
        answer: Answer,
        document: Document,
        purpose: Purpose | None,
        size: int,
        operation: str,
        details: dict[str, Any] | None = None,
    ) -> Made:
        """The entry of a call; ``size`` are its bytes of data."""
        accesses = [*answer.accesses.values()]
        if details is not None or (len(accesses) > 1 and len({access.face.resource.code for access in accesses}) != len(accesses)):
            return self._plain(call, caller, answer, document, purpose, size, operation, details)
        app, use, served = caller.application, caller.use, answer.sources.values()
        code = answer.errors[0].fault.code.value if answer.errors else None
        key = (
            document.sha256,
            (app.client_id, app.department) if app else None,
            use.purpose,
            (purpose.scenario, purpose.basis) if purpose else None,
            operation,
            caller.rights.fingerprint,
            code,
            answer.data is None,
            *[(source.source, source.state) for source in served],
        )
        known = self._known.get(key)
        if known is None or not _fits(known, accesses):
            known = self._learn(key, call_entry(call, caller, answer, self._bare(accesses, caller), document, purpose, size, operation), accesses)
        parts, sets = self._parts(accesses)
        took, trace = [(source.milliseconds, source.as_of) for source in served], trace_id(CALLING.get())
        entry = known.form.fill(call, now(), parts, took, size=size, operator=use.operator, case=use.case, trace=trace, ms=elapsed())
        return Made(entry, {part.resource: part.rows for part in parts}, sets)

    def _plain(self, call: str, caller: Caller, answer: Answer, document: Document, purpose: Purpose | None, size: int, *more: Any) -> Made:
        accesses, sets = set_aside(access_entries(answer, self._subjects, caller.rights.fingerprint))
        return Made(call_entry(call, caller, answer, accesses, document, purpose, size, *more), {a.resource: a.rows for a in accesses}, sets)

    def _bare(self, accesses: Sequence[Access], caller: Caller) -> tuple[LedgerAccess, ...]:
        """The example's accesses: whom they concern, and how many rows, is filled in."""
        return tuple(access_of([access], self._subjects, caller.rights.fingerprint, named=False) for access in accesses)

    def _learn(self, key: tuple[object, ...], example: EntryDraft, accesses: Sequence[Access]) -> _Known:
        known = _Known(Form(example, self._log), tuple((access.face, access.uses) for access in accesses))
        self._known.keep(key, known)
        return known

    def _parts(self, accesses: Sequence[Access]) -> tuple[list[Part], list[Work]]:
        """What was taken, with subjects in place of whom it concerned; and what writes the sets of those who are very many."""
        hashed = [subject_hashes(self._subjects, access) for access in accesses]
        most = most_named([len(hashes) for hashes in hashed])
        parts: list[Part] = []
        works: list[Work] = []
        for access, hashes in zip(accesses, hashed, strict=True):
            resource, held = access.face.resource, None
            if len(hashes) > most:
                held, work = made_set(hashes)
                works.append(work)
                hashes = []
            parts.append(Part(resource.code, resource.department, access.rows, hashes, held))
        return parts, works


def _fits(known: _Known, accesses: Sequence[Access]) -> bool:
    """Whether the accesses are those of the example, by resource, decision and uses."""
    if len(known.faces) != len(accesses):
        return False
    for access, (face, uses) in zip(accesses, known.faces, strict=True):
        if access.face is not face or (access.uses is not uses and access.uses != uses):
            return False
    return True
