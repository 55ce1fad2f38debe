"""Answers → ledger entries: what was taken, by whom, for what; subjects only as keyed hashes."""

from __future__ import annotations

import time
from typing import Any

from auth.rights import Operation, Purpose
from connectors.calling import CALLING, MOST_RECEIPTS
from hub.api.calling import trace_id
from hub.api.context import Caller
from hub.ledger.entry import Access as LedgerAccess
from hub.ledger.entry import EntryDraft, Item, Medium, Outcome, SourceState
from hub.ledger.subjects import Subjects
from schema.answer import Access, Answer
from schema.documents import Document
from schema.plan import Plan
from schema.subjects import STABLE, Subject


def access_entries(answer: Answer, subjects: Subjects, policy: str) -> tuple[LedgerAccess, ...]:
    """What the call took from each resource; a resource that was both queried and verified stands once."""
    by_resource: dict[str, list[Access]] = {}
    for access in answer.accesses.values():
        by_resource.setdefault(access.face.resource.code, []).append(access)
    return tuple(access_of(several, subjects, policy) for several in by_resource.values())


def access_of(several: list[Access], subjects: Subjects, policy: str, *, named: bool = True) -> LedgerAccess:
    """What was taken of one resource; without its subjects where they need not be ``named``."""
    resource, decision = several[0].face.resource, several[0].face.decision
    uses = dict.fromkeys(use for access in several for use in access.uses)
    items = tuple(Item(use.code, use.shown, f"{use.mask}@{use.version}" if use.mask else None) for use in uses)
    hashed: tuple[str, ...] = ()
    if named:
        hashed = tuple(each.hex() for each in dict.fromkeys(each for access in several for each in subject_hashes(subjects, access)))
    rows = sum(access.rows for access in several)
    return LedgerAccess(resource.code, resource.department, resource.source, items, rows, hashed, decision.grant, decision.approver, policy)


def every_hash(subjects: Subjects, resource: str, subject: Subject) -> tuple[str, str]:
    """The hashes by which a row's or a question's subject was ever named."""
    kind, value = subject
    return subjects.every(_kind(resource, kind), str(value))


def subject_hashes(subjects: Subjects, access: Access) -> list[bytes]:
    """The hashes of an access's subjects."""
    made: list[bytes] = []
    for code, values in access.subjects.by_code.items():
        made += subjects.digests(_kind(access.face.resource.code, code), map(str, values))
    return made


def _kind(resource: str, code: str) -> str:
    """A stable key's kind is its resource's code and ``#``, an identifier's its item's code."""
    return f"{resource}{STABLE}" if code == STABLE else code


def outcome_of(answer: Answer) -> Outcome:
    """As the ledger words it."""
    return "OK" if not answer.errors else "FAILED" if answer.data is None else "PARTIAL"


def call_entry(
    call: str,
    caller: Caller,
    answer: Answer,
    accesses: tuple[LedgerAccess, ...],
    document: Document,
    purpose: Purpose | None,
    size: int,
    operation: str,
    details: dict[str, Any] | None = None,
) -> EntryDraft:
    """The entry of a call that was answered."""
    approvers = dict.fromkeys(a.approver for a in accesses if a.approver)
    code = answer.errors[0].fault.code.value if answer.errors else None
    return EntryDraft(
        kind="exchange" if operation == Operation.EXCHANGE.scope_prefix else "call",
        call=call,
        outcome=outcome_of(answer),
        operation=operation,
        medium="INTERFACE",
        **_who(caller),
        scenario=purpose.scenario if purpose else None,
        basis=purpose.basis if purpose else None,
        approver="; ".join(approvers) or None,
        accesses=accesses,
        document=document.sha256,
        rows=answer.rows,
        bytes=size,
        code=code,
        sources=tuple(SourceState(s.source, s.state, s.milliseconds, s.as_of) for s in answer.sources.values()),
        details=details,
    )


def refusal_entry(
    call: str,
    caller: Caller,
    code: str,
    failed: bool,
    document: str | None,
    operation: str | None = None,
    medium: Medium = "INTERFACE",
    details: dict[str, Any] | None = None,
    accesses: tuple[LedgerAccess, ...] = (),
) -> EntryDraft:
    """The entry of a call that was refused or failed as a whole; nothing was disclosed.

    ``operation`` is ``None``, and ``accesses`` are empty, where they were not known yet; else these name the resources, without rows.
    """
    return EntryDraft(
        kind="deny",
        call=call,
        outcome="FAILED" if failed else "REFUSED",
        operation=operation,
        medium=medium,
        **_who(caller),
        code=code,
        document=document,
        details=details,
        accesses=accesses,
    )


def asked_of(plan: Plan, policy: str) -> tuple[LedgerAccess, ...]:
    """The resources that a plan reads, nothing taken yet."""
    faces = {face.resource.code: face for face in plan.faces.values()}
    decided = ((face.resource, face.decision) for face in faces.values())
    return tuple(LedgerAccess(r.code, r.department, r.source, grant=d.grant, approver=d.approver, policy=policy) for r, d in decided)


def _who(caller: Caller) -> dict[str, Any]:
    app, use = caller.application, caller.use
    return {
        "application": app.client_id if app else None,
        "department": app.department if app else None,
        "operator": use.operator,
        "case": use.case,
        "purpose": use.purpose,
        "trace": trace_id(CALLING.get()),
        "ms": elapsed(),
    }


def elapsed() -> int | None:
    """Milliseconds since the present call arrived."""
    calling = CALLING.get()
    return None if calling is None else round((time.perf_counter() - calling.began) * 1000)


def remote_details() -> dict[str, Any] | None:
    """What other hubs entered into their ledgers for this call, so that one is found from the other; ``None`` where no hub was read."""
    calling = CALLING.get()
    if calling is None or not calling.receipts:
        return None
    return {"remote": [{"source": each.source, "call": each.call, "entry": each.entry} for each in calling.receipts[:MOST_RECEIPTS]]}


def operation_of(of: Answer | Plan) -> str:
    """``verify`` where nothing but verification was done, or is to be done, else ``query``."""
    kinds = {operation for _, operation in (of.faces if isinstance(of, Plan) else of.accesses)}
    return Operation.VERIFY.scope_prefix if kinds == {Operation.VERIFY} else Operation.QUERY.scope_prefix
