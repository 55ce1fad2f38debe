"""Quotas and rates of grants: what a period has used, counted in the transaction of the call's own ledger entry, in the control database of all processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from auth.rights import Decision, Quota
from hub.store import plain
from hub.store.base import CHINA, now
from schema.faults import Code, Fault

_FORMATS = {"SECOND": "%Y-%m-%dT%H:%M:%S", "MINUTE": "%Y-%m-%dT%H:%M", "HOUR": "%Y-%m-%dT%H", "DAY": "%Y-%m-%d", "MONTH": "%Y-%m"}
_SPANS = {"SECOND": timedelta(seconds=1), "MINUTE": timedelta(minutes=1), "HOUR": timedelta(hours=1), "DAY": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class _Limit:
    """One of a grant's limits: its quota, or its rate."""

    quota: Quota
    code: Code
    counts_rows: bool = True


def period_of(quota: Quota, moment: datetime) -> str:
    """The period of the moment, in China's time."""
    return moment.astimezone(CHINA).strftime(_FORMATS[quota.per])


def period_end(quota: Quota, moment: datetime) -> datetime:
    """When the period of the moment is over."""
    local = moment.astimezone(CHINA)
    if quota.per == "MONTH":
        first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return (first + timedelta(days=32)).replace(day=1)
    return datetime.strptime(period_of(quota, moment), _FORMATS[quota.per]).replace(tzinfo=CHINA) + _SPANS[quota.per]


def limited(decisions: Sequence[Decision]) -> list[Decision]:
    """Decisions whose grants have a quota or a rate."""
    return [d for d in decisions if (d.quota is not None or d.rate is not None) and d.grant is not None]


def check_quota(engine: Engine, decisions: Sequence[Decision]) -> None:
    """Refuses early a call whose grants are used up already; :func:`usage` decides.

    Raises:
        Fault: ``QUOTA_EXCEEDED`` or ``RATE_LIMITED``.
    """
    moment = now()
    with engine.connect() as connection:
        for decision in decisions:
            for limit in _limits(decision):
                calls, rows = _used(connection, decision, limit, moment)
                _check(decision, limit, (calls + 1, rows), 0, moment)


@dataclass(frozen=True, slots=True)
class Room:
    """What grants still give in their periods: so many times (``None``: no limit), and why none, where it is none."""

    rows: int | None
    fault: Fault | None = None


def room(engine: Engine, decisions: Sequence[Decision], calls: int, taking: Mapping[str, int]) -> Room:
    """What a batch of so many further ``calls`` may still take, that takes so many rows of each resource at a time."""
    moment, rows = now(), None
    with engine.connect() as connection:
        for decision in decisions:
            for limit in _limits(decision, paced=False):
                used, taken = _used(connection, decision, limit, moment)
                needed = taking.get(decision.resource, 0) if limit.counts_rows else 0
                try:
                    _check(decision, limit, (used + calls, taken + needed), needed, moment)
                except Fault as fault:
                    return Room(0, fault)
                if needed and limit.quota.rows is not None:
                    left = (limit.quota.rows - taken) // needed
                    rows = left if rows is None else min(rows, left)
    return Room(rows)


def usage(decisions: Sequence[Decision], rows: Mapping[str, int], *, paced: bool = True, calls: int = 1) -> Callable[[Connection], None]:
    """Work for the entry's transaction: adds one call (or ``calls``: the later parts of a batch are none), and the rows taken of each resource.

    It raises ``QUOTA_EXCEEDED`` or ``RATE_LIMITED`` where that is more than the grant gives: then there is no entry of success, and no data.
    Calls at once, also of several processes, are serialised by the ledger's head, which is locked, so that none slips through. ``paced`` false, for a
    batch that the hub runs at its own pace: rows count against the quota alone.
    """
    moment = now()

    def count(connection: Connection) -> None:
        for decision in decisions:
            for limit in _limits(decision, paced):
                added = rows.get(decision.resource, 0) if limit.counts_rows else 0
                used, taken = _used(connection, decision, limit, moment)
                _check(decision, limit, (used + calls, taken + added), added, moment)
                _add(connection, decision, limit, (used + calls, taken + added), moment)

    return count


def _limits(decision: Decision, paced: bool = True) -> list[_Limit]:
    found = [_Limit(decision.rate, Code.RATE_LIMITED, paced)] if decision.rate is not None else []
    return [*found, _Limit(decision.quota, Code.QUOTA_EXCEEDED)] if decision.quota is not None else found


_USED = 'SELECT calls, "rows" FROM grant_usage WHERE "grant" = :grant AND period = :period'
_SET = """INSERT INTO grant_usage ("grant", period, calls, "rows", until) VALUES (:grant, :period, :calls, :rows, :until)
ON CONFLICT ("grant", period) DO UPDATE SET "rows" = excluded."rows", calls = excluded.calls"""


def _add(connection: Connection, decision: Decision, limit: _Limit, total: tuple[int, int], moment: datetime) -> None:
    calls, rows = total
    until = int(period_end(limit.quota, moment).timestamp())
    counted = {"grant": decision.grant, "period": period_of(limit.quota, moment), "calls": calls, "rows": rows, "until": until}
    plain.write(connection, _SET, [counted])


def _used(connection: Connection, decision: Decision, limit: _Limit, moment: datetime) -> tuple[int, int]:
    found = plain.ask(connection, _USED, {"grant": decision.grant, "period": period_of(limit.quota, moment)})
    return (found[0][0], found[0][1]) if found else (0, 0)


def _check(decision: Decision, limit: _Limit, total: tuple[int, int], added: int, moment: datetime) -> None:
    (calls, rows), quota = total, limit.quota
    if (quota.calls is None or calls <= quota.calls) and (quota.rows is None or rows <= quota.rows):
        return
    never = quota.rows is not None and added > quota.rows
    seconds = max(1, -int((moment - period_end(quota, moment)).total_seconds() // 1))
    period = period_of(quota, moment)
    more: dict[str, Any] = {"lasting": never, "retry_after": None if never else seconds}
    hints = "请减少读取、在下一周期重试，或申请提高额度", "take less, try again in the next period, or apply for more"
    if limit.code is Code.RATE_LIMITED:
        en = f"the grant's rate for {decision.resource} is used up, or too small for this call ({period})"
        raise Fault(Code.RATE_LIMITED, f"{decision.resource} 的授权速率已用完或不足（{period}）", en, *hints, **more)
    en = f"the grant's quota for {decision.resource} is used up, or too small for this call ({period})"
    raise Fault(Code.QUOTA_EXCEEDED, f"{decision.resource} 的授权额度已用完或不足（{period}）", en, *hints, **more)
