"""The ledger's entry of a batch that is complete. Its rows have entries of their own, one for each hundred."""

from __future__ import annotations

from auth.rights import Operation
from connectors.calling import CALLING
from hub.acts import make_id
from hub.api.calling import trace_id
from hub.exchange.manifest import files_digest
from hub.exchange.store import FileRecord
from hub.exchange.verifying.asking import Case
from hub.ledger.entry import Access, EntryDraft, Item


def succeeded(case: Case, file: FileRecord) -> EntryDraft:
    """A batch whose outcomes are complete. Whom they concern stands in the entries of its calls."""
    job, use, face = case.job, case.caller.use, case.compiled.field.face
    resource, decision, app = face.resource, face.decision, case.caller.identified()
    items = tuple(Item(code, shown) for code, shown, _ in case.compiled.items[resource.code])
    access = Access(resource.code, resource.department, resource.source, items, grant=decision.grant, approver=decision.approver, policy=job.policy)
    return EntryDraft(
        kind="exchange",
        call=make_id("call"),
        outcome="OK",
        operation=Operation.EXCHANGE.scope_prefix,
        medium="FILE",
        application=app.client_id,
        department=app.department,
        operator=use.operator,
        case=use.case,
        purpose=use.purpose,
        scenario=case.purpose.scenario if case.purpose else None,
        basis=case.purpose.basis if case.purpose else None,
        approver=decision.approver,
        accesses=(access,),
        document=case.compiled.prepared.document.sha256,
        bytes=file.bytes,
        details={"exchange": job.id, "step": "SUCCEEDED", "verified": file.rows, "sha256": files_digest([file])},
        trace=trace_id(CALLING.get()),
    )
