"""A disposal as GraphQL shows it."""

from __future__ import annotations

import strawberry

from hub.api.types import Date
from hub.sharing.disposals import DisposalCase
from hub.sharing.graphql import StepRecord, steps_shown


@strawberry.type(description="数据处置\n\nDisposal of data after the end of a grant")
class Disposal:
    """What became of the data after a grant ended."""

    grant: strawberry.ID
    application: str
    resource: str
    consumer: str
    provider: str
    state: str
    party: str | None
    due_on: Date
    rule: str
    overdue: bool
    late: str | None
    elapsed: float | None
    reminder: int | None
    statement: str | None
    certificate_hash: str | None
    history: list[StepRecord]


@strawberry.type
class DisposalPayload:
    """Answer of ``fileDisposal`` on the data endpoint."""

    disposal: Disposal


def disposal_of(case: DisposalCase) -> Disposal:
    """A disposal as both sides see it."""
    return Disposal(
        grant=strawberry.ID(case.grant),
        application=case.application,
        resource=case.resource,
        consumer=case.consumer,
        provider=case.provider,
        state=case.state,
        party=case.party,
        due_on=Date(case.due_on),
        rule=case.rule,
        overdue=case.overdue,
        late=case.late,
        elapsed=case.elapsed,
        reminder=case.reminder,
        statement=case.statement,
        certificate_hash=case.certificate_hash,
        history=steps_shown(case.history),
    )
