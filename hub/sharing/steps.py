"""Steps 办理步骤: who did what with a case, when, with which opinion. They are only added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from hub.sharing.tables import step
from hub.store.base import now

MOST_OPINION = 4000
"""Characters of an opinion."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a case."""

    at: datetime
    actor: str
    step: str
    opinion: str | None


def add_step(connection: Connection, subject: str, actor: str, name: str, opinion: str | None = None, at: datetime | None = None) -> None:
    """Adds a step to a case's history, of this moment unless another is said."""
    number = connection.execute(select(func.coalesce(func.max(step.c.number) + 1, 0)).where(step.c.subject == subject)).scalar_one()
    connection.execute(insert(step).values(subject=subject, number=number, at=at or now(), actor=actor, step=name, opinion=opinion or None))


def steps_of(connection: Connection, subjects: Sequence[str]) -> Mapping[str, tuple[Step, ...]]:
    """The histories of several cases, by one statement."""
    found: dict[str, list[Step]] = {subject: [] for subject in subjects}
    for row in connection.execute(select(step).where(step.c.subject.in_(subjects)).order_by(step.c.subject, step.c.number)):
        found[row.subject].append(Step(row.at, row.actor, row.step, row.opinion))
    return {subject: tuple(steps) for subject, steps in found.items()}
