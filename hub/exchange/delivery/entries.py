"""The ledger's entries of deliveries: one before data leave, another where that came to nothing."""

from __future__ import annotations

from collections.abc import Sequence

from auth.rights import Use
from hub.acts import make_id
from hub.exchange.delivery.config import Destination
from hub.exchange.delivery.store import Delivery
from hub.exchange.delivery.target import Parcel, medium_of
from hub.exchange.granted import leaving_entry
from hub.exchange.store import Job
from hub.ledger.entry import EntryDraft, Json
from hub.sharing.registry import Application
from schema.faces import Face
from schema.faults import Code


def leaving(job: Job, app: Application, faces: Sequence[Face], parcel: Parcel, destination: Destination) -> EntryDraft:
    """All files are about to leave for the destination.

    Raises:
        Fault: the use under which the job ran is not granted any more.
    """
    use = Use(job.purpose, job.operator, job.case)
    details: dict[str, Json] = {"destination": destination.code, "to": destination.kind, "attempt": parcel.attempt, "files": len(parcel.files)}
    return leaving_entry(job, app, use, faces, (parcel.rows, parcel.bytes), details, medium_of(destination))


def failing(job: Job, department: str | None, delivery: Delivery, destination: Destination | None, code: Code, sent: int | None) -> EntryDraft:
    """An attempt, or the whole delivery, that came to nothing. ``sent``: bytes that had left; ``None`` where none were about to."""
    details: dict[str, Json] = {"exchange": job.id, "destination": delivery.destination, "attempt": delivery.attempts, "broken_off": sent is not None}
    return EntryDraft(
        kind="download",
        call=make_id("call"),
        outcome="FAILED",
        operation="exchange",
        medium=medium_of(destination) if destination is not None else "FILE",
        code=code.value,
        application=job.application,
        department=department,
        operator=job.operator,
        case=job.case,
        purpose=job.purpose,
        bytes=sent or 0,
        details=details,
    )
