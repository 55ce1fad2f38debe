"""The ledger's entries of exchange jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auth.rights import Purpose
from connectors.calling import CALLING
from hub.acts import make_id
from hub.api.calling import trace_id
from hub.api.entries import remote_details
from hub.exchange.compiling import Compiled
from hub.exchange.manifest import files_digest
from hub.exchange.store import FileRecord, Job
from hub.ledger.entry import Access, EntryDraft, Outcome
from schema.faults import Code


def ended_entry(job: Job, department: str | None, outcome: Outcome, code: str) -> EntryDraft:
    """A job that came to nothing."""
    details = {"exchange": job.id, "step": outcome}
    return EntryDraft(
        kind="exchange", call=make_id("call"), outcome=outcome, operation="exchange", medium="FILE", code=code, details=details, **_who(job, department)
    )


def succeeded_entry(
    job: Job, department: str | None, compiled: Compiled, accesses: tuple[Access, ...], files: Sequence[FileRecord], undelivered: int
) -> EntryDraft:
    """A job whose files are complete; ``undelivered`` values are null in them. It names the files by one digest (``files_digest``)."""
    decisions = compiled.decisions
    purpose = next((p for d in decisions for p in d.purposes if p.code == job.purpose), Purpose("", "", ""))
    return EntryDraft(
        kind="exchange",
        call=make_id("call"),
        outcome="PARTIAL" if undelivered else "OK",
        code=Code.SOURCE_VALUE.value if undelivered else None,
        operation="exchange",
        medium="FILE",
        scenario=purpose.scenario or None,
        basis=purpose.basis or None,
        approver="; ".join(dict.fromkeys(d.approver for d in decisions)),
        accesses=accesses,
        document=compiled.export.plan.document.sha256,
        rows=sum(access.rows for access in accesses),
        bytes=sum(file.bytes for file in files),
        details={"exchange": job.id, "step": "SUCCEEDED", "sha256": files_digest(files), "undelivered": undelivered, **(remote_details() or {})},
        **_who(job, department),
    )


def broken_entry(job: Job, department: str | None, file: FileRecord, sent: int) -> EntryDraft:
    """A download that was broken off when the right to it had ended; ``sent``: bytes that had left by then."""
    return EntryDraft(
        kind="download",
        call=make_id("call"),
        outcome="FAILED",
        operation="exchange",
        medium="FILE",
        code=Code.FORBIDDEN.value,
        bytes=sent,
        details={"exchange": job.id, "file": file.name, "broken_off": True},
        **_who(job, department),
    )


def _who(job: Job, department: str | None) -> dict[str, Any]:
    use = {"operator": job.operator, "case": job.case, "purpose": job.purpose, "trace": trace_id(CALLING.get())}
    return {"application": job.application, "department": department, **use}
