"""Whether the histories of feedback are those that the ledger has: a step that was removed, altered, added or moved is found (COR-03, LOG-03)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from hub.feedback.entries import LEDGER_NAMES
from hub.feedback.given import description_digest, step_digest
from hub.feedback.tables import feedback_case
from hub.ledger.tables import entry
from hub.sharing.steps import Step
from hub.sharing.tables import step

_BEFORE = "SUBMITTED"
"""The step of cases from before histories were proven; their entries hold no digest."""


@dataclass(slots=True)
class HistoryReport:
    """What was compared, and the contradictions, each a line that names the case."""

    cases: int = 0
    steps: int = 0
    unproven: int = 0
    """Cases from before histories were proven, or whose first entries were removed after their retention: later steps are compared all the same."""
    findings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing contradicts anything."""
        return not self.findings


@dataclass(slots=True)
class _Proven:
    """What the ledger says of one case."""

    digests: list[tuple[int, str, str]] = field(default_factory=list)
    """Entry, act and digest of each step."""
    description: str | None = None


def verify_histories(connection: Connection) -> HistoryReport:
    """Compares every history, and every description, with the digests in the ledger's entries. The ledger itself is verified apart.

    Each step was entered in the transaction that wrote it, so the two must agree at any time.
    """
    proven, report = _proven(connection), HistoryReport()
    pruned = (connection.execute(select(func.min(entry.c.seq))).scalar() or 0) > 0
    rows = {row.id: row for row in connection.execute(select(feedback_case.c.id, feedback_case.c.description).order_by(feedback_case.c.id))}
    for number in sorted({*rows, *proven}):
        report.cases += 1
        found = proven.get(number, _Proven())
        steps = _steps(connection, number)
        report.steps += len(steps)
        if steps and found.description is None and (pruned or steps[0].step == _BEFORE):
            report.unproven += 1
            steps = steps[max(0, len(steps) - len(found.digests)) :] if pruned else steps[1:]
        elif number not in rows:
            report.findings.append(f"{number}: 案件已被删除 the case is gone; the ledger has {len(found.digests)} steps of it")
            continue
        elif description_digest(number, rows[number].description) != found.description:
            report.findings.append(f"{number}: 说明已被改动 the description is not what was reported")
        _compare(report, number, steps, found)
    return report


def _compare(report: HistoryReport, number: str, steps: list[Step], proven: _Proven) -> None:
    """The first place at which history and ledger part is told."""
    stored = [(each.step, step_digest(number, each.at, each.actor, each.step, each.opinion)) for each in steps]
    for place, (seq, act, digest) in enumerate(proven.digests):
        if place >= len(stored):
            report.findings.append(f"{number}: 缺少步骤 the step {act!r} of entry {seq} is missing")
            return
        if stored[place][1] != digest:
            report.findings.append(f"{number}: 步骤已被改动、删除或调换 step {place} ({stored[place][0]!r}) is not the step {act!r} of entry {seq}")
            return
    if len(stored) > len(proven.digests):
        report.findings.append(f"{number}: 多出步骤 step {len(proven.digests)} ({stored[len(proven.digests)][0]!r}) has no entry in the ledger")


def _proven(connection: Connection) -> dict[str, _Proven]:
    found: dict[str, _Proven] = {}
    statement = select(entry.c.seq, entry.c.canonical).where(entry.c.kind == "admin", entry.c.outcome == "OK", entry.c.operation.in_(LEDGER_NAMES))
    for row in connection.execute(statement.order_by(entry.c.seq)):
        details: Mapping[str, Any] = orjson.loads(row.canonical)["details"]
        if "digest" not in details:
            continue
        case = found.setdefault(details["feedback"], _Proven())
        case.digests.append((row.seq, details["step"], details["digest"]))
        case.description = details.get("description", case.description)
    return found


def _steps(connection: Connection, number: str) -> list[Step]:
    rows = connection.execute(select(step).where(step.c.subject == number).order_by(step.c.number))
    return [Step(row.at, row.actor, row.step, row.opinion) for row in rows]
