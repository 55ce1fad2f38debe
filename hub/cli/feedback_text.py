"""How people are shown a case of feedback: where it stands, by when who must act and why, and what was reported."""

from __future__ import annotations

from hub.feedback.cases import FeedbackCase, machine_of
from hub.sharing.texts import escaped
from hub.store.base import CHINA


def line(case: FeedbackCase) -> str:
    """One line: parties, state, whose turn it is until when."""
    until = case.closes_on or case.due_on
    turn = f", {case.party} → {until}" if case.party else ""
    late = f" 逾期 overdue: {case.late or case.party}" if case.overdue else ""
    return f"{case.id} {case.kind} {escaped(case.reporter)} → {case.provider} {case.resource}: {case.state}{turn}{late}"


def whole(case: FeedbackCase) -> str:
    """The line, what the state means, the article of the due day, what was reported, and the evidence of a correction."""
    state, entry = machine_of(case.kind).states[case.state], case.subject_entry
    parts = [line(case), f"  {state.name} {state.name_en}", f"  期限 due: {case.due_on}, {case.rule}"]
    parts += [f"  信息项 item: {case.item}"] if case.item else []
    parts += [f"  日志条目 entry: {entry}"] if entry is not None else []
    parts += [f"  投诉所指 about: {case.about}"] if case.about else []
    parts += [f"  说明 description: {escaped(case.description)}"]
    if case.answered_at:
        parts.append(f"  首次答复 first answer: {case.answered_at.astimezone(CHINA).isoformat(timespec='seconds')}")
    if case.evidence:
        parts.append(f"  证据 evidence: {', '.join(case.evidence['items'])}; asOf {case.evidence['asOf']}; entry {case.evidence['entry']}")
    return "\n".join(parts)
