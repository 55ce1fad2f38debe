"""Alerts of unusual use on the governance endpoint."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

import strawberry
from anyio import to_thread

from hub.anomalies.rulebook import AnomalyRules
from hub.anomalies.service import Anomaly, AnomalyService, Verdict, Wanted
from hub.api.bounds import bounds
from hub.api.context import Context
from hub.api.governance_acts import do_act
from hub.api.governance_types import Problem
from hub.api.types import JSON, BigInt, Date, DateTime, page_size
from hub.people.permissions import Reach

Info = strawberry.Info[Context, None]

strawberry.enum(Verdict, name="AnomalyVerdict", description="处理结论：已知悉、属实、误报\n\nWhat becomes of an alert")


@strawberry.enum(description="预警状态：待处理、已知悉、属实、误报\n\nState of an alert")
class AnomalyState(Enum):
    """Open until it is confirmed or called a false alarm."""

    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    CONFIRMED = "CONFIRMED"
    FALSE_ALARM = "FALSE_ALARM"


@strawberry.type(name="Anomaly", description="使用异常预警\n\nAlert of unusual use")
class AnomalyRecord:
    """``began`` and ``hour``: Beijing hours in which it was observed first and last; ``expected``: the limit that was passed; between ``first_entry`` and
    ``last_entry`` lie the entries of the ledger. ``per_minute``: what a throttle leaves, ``throttled`` while it holds."""

    id: strawberry.ID
    rule: str
    version: Date
    kind: str
    severity: str
    application: str
    name: str | None
    department: str
    resource: str | None
    operator: str | None
    measure: str
    began: str
    hour: str
    observed: BigInt
    expected: BigInt
    first_entry: strawberry.ID | None
    last_entry: strawberry.ID | None
    state: AnomalyState
    opened_at: DateTime
    judged_by: str | None
    judged_at: DateTime | None
    opinion: str | None
    per_minute: int | None
    throttled: bool
    throttled_until: DateTime | None
    released_by: str | None
    released_at: DateTime | None
    release_opinion: str | None


@strawberry.type(description="使用异常的规则\n\nRule of unusual use")
class AnomalyRule:
    """``version``: the day from which its version is in force. ``docs/anomalies.md`` explains the parameters."""

    version: Date
    sha256: str
    id: str
    kind: str
    severity: str
    action: str
    text: str
    text_en: str
    parameters: JSON


@strawberry.input(description="预警的处理\n\nJudgement of an alert")
class JudgeAnomalyInput:
    """An opinion is needed for each verdict."""

    id: strawberry.ID
    verdict: Verdict
    opinion: str


@strawberry.input(description="解除限速\n\nRelease of a throttle")
class ReleaseThrottleInput:
    """``id`` of the alert."""

    id: strawberry.ID
    opinion: str


@strawberry.type
class AnomalyPayload:
    """Answer of both acts."""

    anomaly: AnomalyRecord | None
    problems: list[Problem]


@strawberry.type
class AnomalyQueries:
    """Alerts and rules."""

    @strawberry.field(description="使用异常预警，新者在前；after 为上一页末条的编号\n\nAlerts of unusual use, newest first; after: id of the last one before")
    async def anomalies(
        self, info: Info, state: AnomalyState | None = None, application: str | None = None, first: int | None = None, after: str | None = None
    ) -> list[AnomalyRecord]:
        seen, size = bounds(info.context, "anomalies"), page_size(first)
        known = info.context.live.core.registry.by_name(application) if application else None
        provider = None if seen.reach is Reach.ALL else seen.department
        wanted = Wanted(state.value if state else None, known.client_id if known else application, provider)
        return [_record(info, each) for each in await to_thread.run_sync(_service(info).find, wanted, size, after)]

    @strawberry.field(description="使用异常的规则，各版本\n\nThe rules of unusual use, all versions")
    async def anomaly_rules(self, info: Info) -> list[AnomalyRule]:
        rules = await to_thread.run_sync(AnomalyRules.of_home, info.context.live.core.settings.home)
        return [
            AnomalyRule(
                version=Date(version.in_force_from),
                sha256=version.sha256,
                id=rule.id,
                kind=rule.kind,
                severity=rule.severity,
                action=rule.action,
                text=rule.text,
                text_en=rule.text_en,
                parameters=JSON({**rule.parameters, **({"throttle": rule.throttle.model_dump()} if rule.throttle else {})}),
            )
            for version in rules.versions
            for rule in version.rules
        ]


@strawberry.type
class AnomalyMutations:
    """``judgeAnomaly`` and ``releaseThrottle``."""

    @strawberry.mutation(
        description="处理使用异常预警，须附意见；误报同时解除限速\n\nJudges an alert of unusual use, with an opinion; a false alarm releases its throttle"
    )
    async def judge_anomaly(self, info: Info, input: JudgeAnomalyInput) -> AnomalyPayload:
        done, problems = await do_act(info, lambda actor: _service(info).judge(actor, input.id, input.verdict, input.opinion))
        return AnomalyPayload(anomaly=_record(info, done) if done else None, problems=problems)

    @strawberry.mutation(description="提前解除限速，须附意见\n\nReleases a throttle before its time, with an opinion")
    async def release_throttle(self, info: Info, input: ReleaseThrottleInput) -> AnomalyPayload:
        done, problems = await do_act(info, lambda actor: _service(info).release(actor, input.id, input.opinion))
        return AnomalyPayload(anomaly=_record(info, done) if done else None, problems=problems)


def _service(info: Info) -> AnomalyService:
    core = info.context.live.core
    return AnomalyService(core.engine, core.acts)


def _record(info: Info, found: Anomaly) -> AnomalyRecord:
    app = info.context.live.core.registry.application(found.application)
    return AnomalyRecord(
        id=strawberry.ID(found.id),
        rule=found.rule,
        version=Date(date.fromisoformat(found.version)),
        kind=found.kind,
        severity=found.severity,
        application=found.application,
        name=app.name if app else None,
        department=found.department,
        resource=found.resource,
        operator=found.operator,
        measure=found.measure,
        began=found.began,
        hour=found.window,
        observed=BigInt(found.observed),
        expected=BigInt(found.expected),
        first_entry=_id_of(found.first_entry),
        last_entry=_id_of(found.last_entry),
        state=AnomalyState(found.state),
        opened_at=DateTime(found.opened_at),
        judged_by=found.judged_by,
        judged_at=_moment(found.judged_at),
        opinion=found.opinion,
        per_minute=found.per_minute,
        throttled=found.throttled,
        throttled_until=_moment(found.throttled_until),
        released_by=found.released_by,
        released_at=_moment(found.released_at),
        release_opinion=found.release_opinion,
    )


def _id_of(entry: int | None) -> strawberry.ID | None:
    return None if entry is None else strawberry.ID(str(entry))


def _moment(at: datetime | None) -> DateTime | None:
    return None if at is None else DateTime(at)
