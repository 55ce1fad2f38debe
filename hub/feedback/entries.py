"""What the ledger has of feedback: the names of its acts, and the digests by which its steps are proven."""

from __future__ import annotations

from datetime import datetime

from hub.acts import Actor
from hub.feedback.cases import machine_of
from hub.feedback.given import COMPLAINT, step_digest


def ledger_name(act: str) -> str:
    """What the ledger calls an act on feedback."""
    return {"report": "reportError", "lodge": "lodgeComplaint", "redress": "decideComplaint", "dismiss": "decideComplaint"}.get(act, f"{act}Feedback")


LEDGER_NAMES = tuple(dict.fromkeys(ledger_name(act) for kind in ("ERROR", COMPLAINT) for act in machine_of(kind).acts()))
"""Every act on feedback, as the ledger calls it."""


def step_details(number: str, moment: datetime, actor: Actor, act: str, opinion: str | None) -> dict[str, str]:
    """What the entry says of a step: enough to prove it, and nothing of its text."""
    return {"feedback": number, "step": act, "digest": step_digest(number, moment, actor.name, act, opinion)}
